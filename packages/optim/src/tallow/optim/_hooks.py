"""Hooks of optimizers."""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

_next_id = itertools.count()


class RemovableHandle:
    """Removes the hook it was returned for: ``handle.remove()``, or by leaving a ``with`` block."""

    __slots__ = ("id", "_table", "__weakref__")

    def __init__(self, table: OrderedDict[int, Any]) -> None:
        self.id = next(_next_id)
        self._table = weakref.ref(table)

    def remove(self) -> None:
        """Take the hook out. Doing so twice is harmless."""
        table = self._table()
        if table is not None:
            table.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def register(table: OrderedDict[int, Callable], hook: Callable, prepend: bool = False) -> RemovableHandle:
    """Add `hook` to `table`, at its front if `prepend`."""
    handle = RemovableHandle(table)
    table[handle.id] = hook
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


GLOBAL_PRE_STEP: OrderedDict[int, Callable] = OrderedDict()
GLOBAL_POST_STEP: OrderedDict[int, Callable] = OrderedDict()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(optimizer, args, kwargs) -> None | (args, kwargs)`` before the step of every optimizer."""
    return register(GLOBAL_PRE_STEP, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(optimizer, args, kwargs)`` after the step of every optimizer."""
    return register(GLOBAL_POST_STEP, hook)
