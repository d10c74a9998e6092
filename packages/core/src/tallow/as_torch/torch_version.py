"""``torch.torch_version``: a version that compares as a version, with text and with tuples."""

from __future__ import annotations

import re
from typing import Any

from .version import __version__ as _version

__all__ = ["TorchVersion", "__version__"]


def _parts(version: Any) -> tuple[int, ...]:
    text = ".".join(map(str, version)) if isinstance(version, (tuple, list)) else str(version)
    numbers = re.match(r"\s*v?(\d+(?:\.\d+)*)", text)
    if numbers is None:
        raise ValueError(f"invalid version: {version!r}")
    parts = tuple(map(int, numbers[1].split(".")))
    return parts + (0,) * (3 - len(parts))


class TorchVersion(str):
    """The text of a version; ``<`` and its like compare its numbers, without the part after ``+``.

    >>> TorchVersion("2.13.0+tallow") >= (2, 9), TorchVersion("2.13.0") < "2.9", TorchVersion("2.13.0") > "1.13.1"
    (True, False, True)
    """

    def __lt__(self, other: Any) -> bool:
        return _parts(self) < _parts(other)

    def __le__(self, other: Any) -> bool:
        return _parts(self) <= _parts(other)

    def __gt__(self, other: Any) -> bool:
        return _parts(self) > _parts(other)

    def __ge__(self, other: Any) -> bool:
        return _parts(self) >= _parts(other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str) and str.__eq__(self, other):
            return True
        return isinstance(other, (str, tuple, list)) and _parts(self) == _parts(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


__version__ = TorchVersion(_version)
