"""CRC-32 of large buffers: the core folds them many times faster than zlib does."""

from __future__ import annotations

import zlib
from typing import Any

_SMALL = 1 << 12


def crc32(data: Any, start: int = 0) -> int:
    """The checksum of ``data``, after that of what came before."""
    if len(data) < _SMALL or memoryview(data).readonly:  # a tensor is over memory that may be written
        return zlib.crc32(data, start)
    import tallow
    from tallow import _ops

    return _ops.packet("runtime::crc32")(tallow.frombuffer(data, dtype=tallow.uint8), start)
