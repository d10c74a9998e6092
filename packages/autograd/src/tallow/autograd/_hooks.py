"""Handles of hooks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tallow.utils import hooks


class RemovableHandle(hooks.RemovableHandle):
    """The handle of a hook that is no entry of a table: ``remove`` takes it away.

    It keeps neither the tensor nor its graph alive.
    """

    def __init__(self, remove: Callable[[], Any]):
        super().__init__(OrderedDict())
        self._remove: Callable[[], Any] | None = remove

    def remove(self) -> None:
        remove, self._remove = self._remove, None
        if remove is not None:
            remove()


def native_handle(hook_id: int) -> RemovableHandle:
    from tallow.autograd._engine import native

    return RemovableHandle(lambda: native.remove_hook(hook_id))


def check_callable(hook: Any) -> None:
    if not callable(hook):
        raise TypeError(f"a hook must be callable, got {type(hook).__name__}")
