"""Memory that several processes map.

A segment has no name, only a file descriptor: nothing is left in ``/dev/shm`` however a process ends, because the
kernel frees the pages with the last process that has them, and the size of ``/dev/shm`` is no limit.
"""

from __future__ import annotations

import bisect
import mmap
import os
import tempfile
import weakref
from typing import Any

__all__ = ["Segment", "segment_at"]


def _nameless_file(size: int) -> int:
    """A descriptor of `size` zero bytes of memory."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("tallow", os.MFD_CLOEXEC)
    else:
        folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
        fd, path = tempfile.mkstemp(prefix="tallow-", dir=folder)
        os.unlink(path)
    try:
        os.ftruncate(fd, size)
    except BaseException:
        os.close(fd)
        raise
    return fd


class Segment(mmap.mmap):
    """A mapping of shared memory, which lives as long as any tensor or array over it does.

    Segments come from :meth:`create`, and in another process from :meth:`attach` with the descriptor that it was sent.
    `descriptor` belongs to the segment, `address` is where it begins in this process.

    >>> segment = Segment.create(4096)
    >>> other = Segment.attach(segment.descriptor, 4096)
    >>> segment[:5] = b"hello"
    >>> other[:5]
    b'hello'
    """

    descriptor: int
    address: int

    @classmethod
    def create(cls, size: int) -> Segment:
        """`size` bytes of zeros. They take memory only when they are written."""
        return cls.attach(_nameless_file(size), size, close=True)

    @classmethod
    def attach(cls, fd: int, size: int, *, private: bool = False, close: bool = False) -> Segment:
        """Map what `fd` stands for. `private`: what this process writes, only this process sees."""
        try:
            self = cls(fd, size, mmap.MAP_PRIVATE if private else mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
            self.descriptor = os.dup(fd)
        finally:
            if close:
                os.close(fd)
        weakref.finalize(self, os.close, self.descriptor)
        self.address = _address(self)
        if not private:
            _register(self)
        return self


def _address(segment: Segment) -> int:
    from tallow import _core

    return _core._frombuffer(segment, _core.uint8, -1, 0).data_ptr()


_starts: list[int] = []
_segments: dict[int, weakref.ref[Segment]] = {}


def _register(segment: Segment) -> None:
    start = segment.address

    def forget(ref: Any) -> None:
        if _segments.get(start) is ref:  # else a younger one lies there by now
            del _segments[start]
            del _starts[bisect.bisect_left(_starts, start)]

    if start not in _segments:
        bisect.insort(_starts, start)
    _segments[start] = weakref.ref(segment, forget)


def segment_at(address: int) -> Segment | None:
    """The segment that `address` lies in, if any."""
    i = bisect.bisect_right(_starts, address) - 1
    if i < 0:
        return None
    segment = _segments[_starts[i]]()
    return segment if segment is not None and address < segment.address + len(segment) else None
