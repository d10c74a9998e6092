"""A list and a dict whose elements are in columns, and are real ones again as soon as they are changed."""

from __future__ import annotations

import operator
import zlib
from array import array
from collections.abc import ItemsView, Iterator, KeysView, Sequence, ValuesView
from typing import Any

from .columns import Column, Numbers, pack

__all__ = ["PackedDict", "PackedList", "shared"]


def shared(values: Any) -> Any:
    """`values` in a form that worker processes share instead of copying it, while they read it.

    Large lists and dicts of numbers, text, bytes and tuples of these that a dataset has as attributes are given this
    form in the workers by themselves. This function is for the others: elements of any kind, in particular such that
    can change, like dicts and lists. Of these, **each access returns a new copy**: changes to it are lost.

    Args:
        values: a list, a tuple or a dict. Elements that are neither numbers nor text are pickled.

    Returns:
        A list or dict to all appearances. Changing it makes it an ordinary one, in the process that changes it.

    Raises:
        TypeError: for anything else, or keys that are not all text, all bytes or all int.

    >>> records = shared([{"text": "a", "labels": [1, 2]}, {"text": "b", "labels": []}])
    >>> len(records), records[1]["text"], records[-2:]
    (2, 'b', [{'text': 'a', 'labels': [1, 2]}, {'text': 'b', 'labels': []}])
    """
    if isinstance(values, (PackedList, PackedDict)):
        return values
    if isinstance(values, (list, tuple)):
        return PackedList(pack(values, anything=True))
    if isinstance(values, dict):
        packed = pack_dict(values, anything=True)
        if packed is None:
            raise TypeError("shared(): the keys of a dict must be all str, all bytes or all int")
        return packed
    raise TypeError(f"shared(): expected a list, a tuple or a dict, got {type(values).__name__}")


def pack_list(values: list[Any]) -> PackedList | None:
    """A list over a column, or None if it has elements that can change."""
    column = pack(values)
    return None if column is None else PackedList(column)


def pack_dict(values: dict[Any, Any], anything: bool = False) -> PackedDict | None:
    """A dict over two columns, or None if it has values that can change, or keys of several kinds."""
    kinds = set(map(type, values))
    if len(kinds) != 1 or not kinds <= {str, bytes, int}:
        return None
    column = pack(list(values.values()), anything)
    keys = list(values)
    key_column = None if column is None else pack(keys)
    if key_column is None or (int in kinds and not isinstance(key_column, Numbers)):
        return None
    return PackedDict(key_column, column, _table(keys), kinds.pop())


# ---------------------------------------------------------------- lists
class PackedList(list):
    """A list over a column.

    The list beneath is empty until the first change, which fills it: from then on it is an ordinary one.
    """

    __slots__ = ("_column",)

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._column = column

    def _thaw(self) -> None:
        values = list(self)
        del self._column
        self.__class__ = _ThawedList  # type: ignore[assignment]
        list.extend(self, values)

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, index: Any) -> Any:
        column = self._column
        length = len(column)
        if type(index) is not int:
            if isinstance(index, slice):
                return [column[i] for i in range(*index.indices(length))]
            index = operator.index(index)
        if index < 0:
            index += length
        if 0 <= index < length:
            return column[index]
        raise IndexError("list index out of range")

    def __iter__(self) -> Iterator[Any]:
        i = 0
        while i < len(self):  # which may change meanwhile
            yield self[i]
            i += 1

    def __reversed__(self) -> Iterator[Any]:
        return reversed(list(self))

    def __contains__(self, value: Any) -> bool:
        return any(value is one or value == one for one in self)

    def __repr__(self) -> str:
        return repr(list(self))

    def __radd__(self, other: Any) -> Any:
        return other + list(self) if isinstance(other, list) else NotImplemented

    def copy(self) -> list[Any]:
        return list(self)

    def __copy__(self) -> PackedList:
        return PackedList(self._column)

    def __deepcopy__(self, memo: Any) -> PackedList:
        return PackedList(self._column)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return PackedList, (self._column,)


class _ThawedList(list):
    """What a :class:`PackedList` has become."""

    __slots__ = ("_column",)

    def __copy__(self) -> list[Any]:
        return list(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)


# ---------------------------------------------------------------- dicts
_GOLDEN = 0x9E3779B97F4A7C15
_FULL = 0xFFFFFFFFFFFFFFFF


def _hash(key: Any) -> int:
    # Python's own hash of text differs between processes.
    if type(key) is int:
        return ((key * _GOLDEN) & _FULL) >> 20
    return zlib.crc32(key if type(key) is bytes else key.encode("utf-8", "surrogatepass"))


def _table(keys: Sequence[Any]) -> Numbers:
    """Open addressing with linear probing: slots with a position plus one, or 0."""
    size = 1 << (len(keys) * 3 // 2).bit_length()
    mask, slots = size - 1, array("q", bytes(8 * size))
    for position, key in enumerate(keys, 1):
        slot = _hash(key) & mask
        while slots[slot]:
            slot = (slot + 1) & mask
        slots[slot] = position
    return Numbers(slots, "q")


class _Packed:
    """The one key in the dict beneath a packed one."""

    def __repr__(self) -> str:
        return "<packed>"


_MARK = _Packed()


class PackedDict(dict):
    """A dict over two columns and a table; filled, and an ordinary one, from the first change on.

    The dict beneath has a mark in it: C code that takes an empty one for done, as json's encoder does, goes on to
    ``items()`` then; and what reads the dict beneath itself meets a key that it cannot use, instead of nothing.
    """

    __slots__ = ("_kind", "_packed")

    def __init__(self, keys: Column, values: Column, table: Numbers, kind: type) -> None:
        super().__init__(((_MARK, None),) if len(keys) else ())
        self._packed = (keys, values, table.values)
        self._kind = kind

    def _thaw(self) -> None:
        items = list(self.items())
        del self._packed
        self.__class__ = _ThawedDict  # type: ignore[assignment]
        dict.clear(self)
        dict.update(self, items)

    def _find(self, key: Any) -> int:
        """The position of `key`, or -1."""
        if type(key) is not self._kind:
            hash(key)  # a TypeError for what cannot be a key
            same = self._like(key)
            if same is None:
                return -1
            key = same
        keys, _, slots = self._packed
        mask = len(slots) - 1
        slot = _hash(key) & mask
        while position := slots[slot]:
            if keys[position - 1] == key:
                return position - 1
            slot = (slot + 1) & mask
        return -1

    def _like(self, key: Any) -> Any:
        """The key of this dict's kind that equals a key of another type (``1.0``, ``True``, a subclass), or None."""
        if self._kind is int:
            try:
                number = int(key)
            except (TypeError, ValueError, OverflowError):
                return None
            return number if number == key else None
        return self._kind(key) if isinstance(key, self._kind) else None

    def __len__(self) -> int:
        return len(self._packed[0])

    def __getitem__(self, key: Any) -> Any:
        position = self._find(key)
        if position < 0:
            raise KeyError(key)
        return self._packed[1][position]

    def get(self, key: Any, default: Any = None) -> Any:
        position = self._find(key)
        return default if position < 0 else self._packed[1][position]

    def __contains__(self, key: Any) -> bool:
        return self._find(key) >= 0

    def __iter__(self) -> Iterator[Any]:
        keys = self._packed[0]
        return (keys[i] for i in range(len(keys)))

    def __reversed__(self) -> Iterator[Any]:
        return reversed(list(self))

    def keys(self) -> Any:
        return KeysView(self)

    def values(self) -> Any:
        return ValuesView(self)

    def items(self) -> Any:
        return ItemsView(self)

    def __repr__(self) -> str:
        return repr(dict(self.items()))

    def __eq__(self, other: Any) -> Any:
        return dict(self.items()) == other

    def __ne__(self, other: Any) -> Any:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Any) -> Any:
        return dict(self.items()) | other

    def __ror__(self, other: Any) -> Any:
        return other | dict(self.items())

    def copy(self) -> dict[Any, Any]:
        return dict(self.items())

    def __copy__(self) -> PackedDict:
        return self._again()

    def __deepcopy__(self, memo: Any) -> PackedDict:
        return self._again()

    def _again(self) -> PackedDict:
        keys, values, slots = self._packed
        return PackedDict(keys, values, Numbers(slots, "q"), self._kind)

    def __reduce_ex__(self, protocol: Any) -> Any:
        keys, values, slots = self._packed
        return PackedDict, (keys, values, Numbers(slots, "q"), self._kind)


class _ThawedDict(dict):
    """What a :class:`PackedDict` has become."""

    __slots__ = ("_kind", "_packed")

    def __copy__(self) -> dict[Any, Any]:
        return dict(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (dict(self),)


# ---------------------------------------------------------------- what is done by the builtin type
def _on_a_list(name: str) -> Any:
    """A method that reads: the builtin's, on a list of the elements."""
    builtin = getattr(list, name)

    def method(self: PackedList, *args: Any) -> Any:
        return builtin(list(self), *args)

    method.__name__ = name
    return method


def _after_thawing(base: type, name: str) -> Any:
    """A method that changes: the builtin's, once this is an ordinary list or dict."""
    builtin = getattr(base, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._thaw()
        return builtin(self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in (
    "__eq__",
    "__ne__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__add__",
    "__mul__",
    "__rmul__",
    "count",
    "index",
):
    setattr(PackedList, _name, _on_a_list(_name))
PackedList.__hash__ = None  # type: ignore[assignment, method-assign]
for _name in (
    "append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "__setitem__", "__delitem__", "__iadd__",
    "__imul__",
):  # fmt: skip
    setattr(PackedList, _name, _after_thawing(list, _name))
for _name in ("__setitem__", "__delitem__", "pop", "popitem", "clear", "update", "setdefault", "__ior__"):
    setattr(PackedDict, _name, _after_thawing(dict, _name))
