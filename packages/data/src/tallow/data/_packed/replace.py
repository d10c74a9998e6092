"""Finding the large containers of a dataset, for its workers to have them packed."""

from __future__ import annotations

import operator
import types
from collections.abc import Iterator
from typing import Any

from tallow import Tensor

from .containers import PackedDict, PackedList, pack_dict, pack_list

LARGE = 1 << 14
"""Lists and dicts of fewer elements stay as they are: reading an element of a packed one takes longer."""

_MOST_OBJECTS = 10_000
_CLOSED = (Tensor, type, types.ModuleType, types.FunctionType, types.MethodType, str, bytes, int, float)


class Replacement:
    """A container somewhere in a dataset, and what takes its place in a worker."""

    def __init__(self, place: Any, key: Any, original: Any, packed: PackedList | PackedDict) -> None:
        self.place = place
        self.key = key
        self.original = original
        self.packed = packed

    def apply(self) -> Any:
        """Put it in place; returns what was there, which should be kept: freeing it would write to each element."""
        self.place[self.key] = self.packed
        return self.original


class Packer:
    """Packs containers once, however many epochs follow, unless they have changed."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any, Any]] = {}

    def replacements(self, root: dict[str, Any]) -> list[Replacement]:
        """What should be replaced: large lists and dicts in `root`, which holds a dataset, and in what that holds."""
        found = []
        known = {}
        for place, key, value in _large_containers(root):
            packed = self._packed(value)
            known[id(value)] = self._known[id(value)]
            if packed is not None:
                found.append(Replacement(place, key, value, packed))
        self._known = known
        return found

    def _packed(self, value: Any) -> Any:
        if id(value) in self._known:
            same, snapshot, packed = self._known[id(value)]
            if packed is not None and same is value and _unchanged(value, snapshot):
                return packed
        packed = pack_list(value) if type(value) is list else pack_dict(value)
        self._known[id(value)] = (value, None if packed is None else value.copy(), packed)
        return packed


def _unchanged(value: Any, snapshot: Any) -> bool:
    if type(value) is list:
        return len(value) == len(snapshot) and all(map(operator.is_, value, snapshot))
    return len(value) == len(snapshot) and all(
        map(operator.is_, (*value, *value.values()), (*snapshot, *snapshot.values()))
    )


def _large_containers(root: Any) -> Iterator[tuple[Any, Any, Any]]:
    """The places of large lists and dicts in what `root` holds by attributes, and small lists, tuples and dicts."""
    seen: set[int] = set()
    waiting = [root]
    while waiting and len(seen) < _MOST_OBJECTS:
        holder = waiting.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        for place, key, value in _held(holder):
            kind = type(value)
            if kind in (list, dict) and len(value) >= LARGE:
                if not isinstance(holder, tuple):  # whose places cannot be taken
                    yield place, key, value
            elif isinstance(value, (list, tuple, dict)):
                if len(value) < LARGE:
                    waiting.append(value)
            elif not isinstance(value, _CLOSED) and hasattr(value, "__dict__"):
                waiting.append(value)


def _held(holder: Any) -> Iterator[tuple[Any, Any, Any]]:
    place = holder if isinstance(holder, (dict, list, tuple)) else getattr(holder, "__dict__", {})
    for key, value in list(place.items() if isinstance(place, dict) else enumerate(place)):
        yield place, key, value
