"""Bounded random access to what is loaded: a path, a memory map or an open file, with one set of checks."""

from __future__ import annotations

import io
import os
from typing import Any

from .checksum import crc32
from .errors import CorruptFileError

_PIECE = 1 << 18  # what was read is summed while it is in the cache


class Source:
    """The bytes of one file. Every read is bounds-checked against ``size`` and is complete or an error."""

    def __init__(self, file: Any, name: str, *, owned: bool, mapped: bool = False) -> None:
        self.name = name
        self._file = file
        self._owned = owned
        self.map: Any = None
        if mapped:
            self._base, self.size = 0, os.fstat(file.fileno()).st_size
            if self.size:
                import mmap

                # Copy on write: a tensor can be changed in place, the file never is.
                self.map = mmap.mmap(file.fileno(), self.size, access=mmap.ACCESS_COPY)
        else:
            self._base = file.tell()
            self.size = file.seek(0, io.SEEK_END) - self._base
            file.seek(self._base)

    def fail(self, fault: str) -> CorruptFileError:
        return CorruptFileError(self.name, fault)

    def read(self, offset: int, count: int, what: str) -> bytes:
        self.check(offset, count, what)
        if self.map is not None:
            return self.map[offset : offset + count]
        self._file.seek(self._base + offset)
        data = self._file.read(count)
        if len(data) != count:  # the file shrank, or a raw file gave less than it was asked for
            buffer = bytearray(count)
            self.read_into(offset, memoryview(buffer), what)
            data = bytes(buffer)
        return data

    def read_into(self, offset: int, target: memoryview, what: str, crc: int = 0) -> int:
        """Fill ``target``; the checksum of its bytes, after those that ``crc`` is the checksum of."""
        self.check(offset, len(target), what)
        if self.map is not None:
            target[:] = memoryview(self.map)[offset : offset + len(target)]
            return crc32(target, crc)
        self._file.seek(self._base + offset)
        done = 0
        while done < len(target):
            piece = target[done : done + _PIECE]
            count = self._read_some(piece)
            if not count:
                raise self.fail(f"truncated: {what} ends after {done} of {len(target)} bytes")
            crc = crc32(piece[:count], crc)
            done += count
        return crc

    def _read_some(self, target: memoryview) -> int:
        if hasattr(self._file, "readinto"):
            return self._file.readinto(target) or 0
        data = self._file.read(len(target))
        target[: len(data)] = data
        return len(data)

    def check(self, offset: int, count: int, what: str) -> None:
        if offset < 0 or count < 0 or offset + count > self.size:
            raise self.fail(
                f"truncated or corrupt: {what} takes bytes {offset} to {offset + count}, the file has {self.size}"
            )

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *exc_info: object) -> None:
        # A map lives on for as long as a tensor uses it; Python unmaps it with the last of them.
        if self._owned:
            self._file.close()


def open_source(f: Any, *, mapped: bool) -> Source:
    """Open what ``tallow.load`` was given: a path, or a binary file object positioned at the first byte."""
    if isinstance(f, (str, os.PathLike)):
        path = os.fspath(f)
        file = open(path, "rb", buffering=0)  # what is read is read once, in pieces of the size that is needed
        try:
            return Source(file, str(path), owned=True, mapped=mapped)
        except BaseException:
            file.close()
            raise
    if mapped:
        raise ValueError(f"load: f must be a path to use mmap=True, got {type(f).__name__}")
    if not hasattr(f, "read"):
        raise TypeError(f"load: expected f to be a path or a file object with read(), got {type(f).__name__}")
    name = getattr(f, "name", None)
    name = name if isinstance(name, str) else f"<{type(f).__name__}>"
    if not (hasattr(f, "seek") and hasattr(f, "tell") and _seekable(f)):
        data = f.read()
        _require_bytes(data)
        return Source(io.BytesIO(data), name, owned=False)
    _require_bytes(f.read(0))
    return Source(f, name, owned=False)


def _seekable(f: Any) -> bool:
    return f.seekable() if hasattr(f, "seekable") else True


def _require_bytes(data: object) -> None:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"load: expected a file opened in binary mode, its read() gave {type(data).__name__}")
