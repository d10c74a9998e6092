"""``torch.cpu``: the CPU with the functions that a GPU has. There is one, and its work is done when a call returns.

>>> import tallow
>>> tallow.cpu.device_count()
1
"""

from __future__ import annotations

import contextlib
from typing import Any

from . import amp

__all__ = [
    "Event",
    "Stream",
    "StreamContext",
    "amp",
    "current_device",
    "current_stream",
    "device_count",
    "is_available",
    "is_initialized",
    "set_device",
    "stream",
    "synchronize",
]


class Stream:
    """The order in which the CPU works: always the program's."""

    def __init__(self, priority: int = -1) -> None:
        self.priority = priority

    def wait_stream(self, stream: Any) -> None:
        """There is nothing to wait for."""

    def record_event(self) -> Event:
        """An event that has happened."""
        return Event()

    def wait_event(self, event: Any) -> None:
        """There is nothing to wait for."""


class Event:
    """A point in the order of work."""

    def query(self) -> bool:
        """Whether it is past."""
        return True

    def record(self, stream: Any = None) -> None:
        """It is past when the call returns."""

    def synchronize(self) -> None:
        """There is nothing to wait for."""

    def wait(self, stream: Any = None) -> None:
        """There is nothing to wait for."""


_stream = Stream()


class StreamContext(contextlib.AbstractContextManager[None]):
    """Makes a stream the current one for a block."""

    def __init__(self, stream: Any) -> None:
        self._new = stream

    def __enter__(self) -> None:
        global _stream
        self._before = _stream
        if self._new is not None:
            _stream = self._new

    def __exit__(self, *exc_info: object) -> None:
        global _stream
        _stream = self._before


def stream(stream: Any) -> StreamContext:
    """A block in which ``stream`` is the current one."""
    return StreamContext(stream)


def current_stream(device: Any = None) -> Stream:
    """The current stream."""
    return _stream


def is_available() -> bool:
    """Whether there is a CPU."""
    return True


def is_initialized() -> bool:
    """Whether it is ready."""
    return True


def device_count() -> int:
    """The number of CPUs as devices."""
    return 1


def current_device() -> str:
    """Its name."""
    return "cpu"


def set_device(device: Any) -> None:
    """There is only one."""


def synchronize(device: Any = None) -> None:
    """All work is done when a call returns."""
