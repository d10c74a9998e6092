"""The one exception that every reader of this package raises for a file that is not what it claims to be."""

from __future__ import annotations


class CorruptFileError(RuntimeError):
    """A file is truncated, damaged or inconsistent. The message names the file and the fault.

    >>> import io
    >>> import tallow
    >>> tallow.load(io.BytesIO(b"PK\\x03\\x04"))
    Traceback (most recent call last):
        ...
    tallow.serialization.errors.CorruptFileError: <BytesIO>: not a complete zip archive: no end record (truncated?)
    """

    def __init__(self, file: str, fault: str) -> None:
        super().__init__(file, fault)
        self.file = file
        self.fault = fault

    def __str__(self) -> str:
        return f"{self.file}: {self.fault}"
