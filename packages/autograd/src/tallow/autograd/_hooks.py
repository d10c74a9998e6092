"""Handles of hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook away again; also a context manager.

    It keeps neither the tensor nor its graph alive.
    """

    def __init__(self, remove: Callable[[], Any]):
        self._remove: Callable[[], Any] | None = remove

    def remove(self) -> None:
        remove, self._remove = self._remove, None
        if remove is not None:
            remove()

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def native_handle(hook_id: int) -> RemovableHandle:
    from tallow.autograd._engine import native

    return RemovableHandle(lambda: native.remove_hook(hook_id))


def check_callable(hook: Any) -> None:
    if not callable(hook):
        raise TypeError(f"a hook must be callable, got {type(hook).__name__}")
