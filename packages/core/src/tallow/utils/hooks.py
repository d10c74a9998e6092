"""Handles of hooks: what every ``register_..._hook`` returns."""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["RemovableHandle", "add_hook"]

_next_id = itertools.count()


class RemovableHandle:
    """Removes the hook it was returned for: ``handle.remove()``, or by leaving a ``with`` block.

    Args:
        hooks_dict: the table that has the hook under the handle's ``id``.
        extra_dict: a table, or several, that may have more about the hook under the same ``id``.

    >>> from collections import OrderedDict
    >>> from tallow.utils.hooks import RemovableHandle
    >>> table = OrderedDict()
    >>> handle = RemovableHandle(table)
    >>> table[handle.id] = print
    >>> handle.remove()
    >>> len(table)
    0
    """

    __slots__ = ("id", "_tables", "__weakref__")

    def __init__(self, hooks_dict: dict[int, Any], *, extra_dict: Any = None) -> None:
        self.id = next(_next_id)
        extra = () if extra_dict is None else (extra_dict,) if isinstance(extra_dict, dict) else extra_dict
        # Weak, so that a handle which is kept does not keep the tables' owner alive.
        self._tables = tuple(weakref.ref(table) for table in (hooks_dict, *extra))

    def remove(self) -> None:
        """Take the hook out. Doing so twice is harmless."""
        for ref in self._tables:
            table = ref()
            if table is not None:
                table.pop(self.id, None)

    def __getstate__(self) -> tuple[int, list[Any]]:
        return self.id, [table for ref in self._tables if (table := ref()) is not None]

    def __setstate__(self, state: tuple[int, list[Any]]) -> None:
        # A copy of an owner has copies of its tables, and those are the ones that the handle's copy works on.
        self.id, tables = state
        self._tables = tuple(weakref.ref(table) for table in tables)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def add_hook(
    table: OrderedDict[int, Any], hook: Callable, flags: Iterable[dict[int, bool]] = (), prepend: bool = False
) -> RemovableHandle:
    """Put `hook` into `table`, at its front if `prepend`, and True into each of `flags`; the handle removes both."""
    flags = tuple(flags)
    handle = RemovableHandle(table, extra_dict=flags)
    table[handle.id] = hook
    for flag in flags:
        flag[handle.id] = True
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle
