"""``torch.accelerator``: whatever device there is beside the CPU. This build has none, and says so.

    >>> import tallow
    >>> found = tallow.accelerator.is_available()
    >>> tallow.accelerator.current_accelerator() if found else tallow.device("cpu")
    device(type='cpu')
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = [
    "current_accelerator",
    "current_device_index",
    "current_stream",
    "device_count",
    "empty_cache",
    "is_available",
    "memory_allocated",
    "set_device_index",
    "synchronize",
]


def is_available() -> bool:
    """Whether there is an accelerator."""
    return False


def device_count() -> int:
    """The number of accelerators."""
    return 0


def current_accelerator(check_available: bool = False) -> Any:
    """The device of the accelerator, None without one."""
    return None


def _none_here() -> NoReturn:
    raise RuntimeError("Cannot access accelerator device when none is available.")


def current_device_index() -> int:
    """The index of the current accelerator: a ``RuntimeError``, there is none."""
    _none_here()


def set_device_index(device: Any) -> None:
    """Chooses the current accelerator: a ``RuntimeError``, there is none."""
    _none_here()


def synchronize(device: Any = None) -> None:
    """Waits for the accelerator: a ``RuntimeError``, there is none."""
    _none_here()


def current_stream(device: Any = None) -> Any:
    """The stream that ops run on: a ``RuntimeError``, there is none."""
    _none_here()


def memory_allocated(device: Any = None) -> int:
    """Bytes in use on the accelerator: a ``RuntimeError``, there is none."""
    _none_here()


def empty_cache() -> None:
    """Returns unused memory of the accelerator: a ``RuntimeError``, there is none."""
    _none_here()
