"""The tables of a module's parameters, buffers and submodules.

A member is in its table, and in the module's instance dict too. So reading ``self.weight`` is a plain attribute access,
ten times faster than a miss that ends in ``__getattr__``; a layer's forward does three of them. The tables are dicts
that keep the instance dict in step, whoever writes to them.
"""

from __future__ import annotations

import weakref
from typing import Any

TABLES = ("_parameters", "_buffers", "_modules")


class MemberTable(dict[str, Any]):
    """Members of one kind, by name."""

    __slots__ = ("_owner",)

    def __init__(self, owner: Any) -> None:
        super().__init__()
        # Weak: a strong one would be a cycle, and a dropped model would keep its memory until the collector runs.
        self._owner = weakref.ref(owner)

    def _fields(self) -> dict[str, Any]:
        owner = self._owner()
        return {} if owner is None else owner.__dict__

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._fields()[name] = value

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._fields().pop(name, None)

    def pop(self, name: str, *default: Any) -> Any:
        if name in self:
            self._fields().pop(name, None)
        return super().pop(name, *default)

    def popitem(self) -> tuple[str, Any]:
        name, value = super().popitem()
        self._fields().pop(name, None)
        return name, value

    def clear(self) -> None:
        for name in list(self):
            del self[name]

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def __ior__(self, other: Any) -> MemberTable:  # type: ignore[override,misc]
        self.update(other)
        return self

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return dict, (dict(self),)  # alone it is a dict: the owner makes the tables of a copy


def fill(owner: Any, table: str, members: dict[str, Any]) -> None:
    """Make `members` the whole content of one of the owner's tables."""
    fields = owner.__dict__
    old = fields.get(table)
    if old is not None:
        for name in old:
            fields.pop(name, None)
    fresh = fields[table] = MemberTable(owner)
    fresh.update(members)


def without_members(fields: dict[str, Any]) -> dict[str, Any]:
    """An instance dict for pickling and copying: the tables as plain dicts, and nothing twice."""
    members = {name for table in TABLES for name in fields.get(table, ())}
    state = {name: value for name, value in fields.items() if name not in members}
    state.update((table, dict(fields[table])) for table in TABLES if table in fields)
    return state
