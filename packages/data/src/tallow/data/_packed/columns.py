"""Columns: elements of one kind as bytes in a few buffers.

A column answers ``len(column)`` and ``column[i]`` for ``0 <= i < len(column)`` with an object that equals the one that
was packed and is of the same type. Its buffers leave a pickle by protocol 5.
"""

from __future__ import annotations

import itertools
import operator
import pickle
from array import array
from collections.abc import Sequence
from typing import Any

Column = Any

_SCALARS = {str, bytes, int, float, complex, bool, type(None)}
_SAMPLE = 64


def _carried(view: memoryview, protocol: int) -> Any:
    flat = view.cast("B")
    return (pickle.PickleBuffer(flat) if protocol >= 5 else bytes(flat)), view.format


def _view(raw: Any, code: Any) -> memoryview:
    return memoryview(raw).cast("B").cast(code)


class Numbers:
    """int, float or bool: eight bytes each, or one."""

    def __init__(self, raw: Any, code: str) -> None:
        self.values = _view(raw, code)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, i: int) -> Any:
        return self.values[i]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Numbers, _carried(self.values, protocol)


class Pieces:
    """Elements of any length, one behind the other; `ends` says where each one ends."""

    def __init__(self, raw: Any, code: str, ends: Any, ends_code: str) -> None:
        self.data = _view(raw, code)
        self.ends = _view(ends, ends_code)

    def __len__(self) -> int:
        return len(self.ends)

    def piece(self, i: int) -> memoryview:
        """The bytes of an element."""
        ends = self.ends
        return self.data[ends[i - 1] if i else 0 : ends[i]]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (*_carried(self.data, protocol), *_carried(self.ends, protocol))


class Bytes(Pieces):
    """bytes."""

    def __getitem__(self, i: int) -> bytes:
        return bytes(self.piece(i))


class Texts(Pieces):
    """str, as UTF-8."""

    def __getitem__(self, i: int) -> str:
        return str(self.piece(i), "utf-8", "surrogatepass")


class Pickles(Pieces):
    """Anything that can be pickled. An element is unpickled when it is asked for: a copy each time."""

    def __getitem__(self, i: int) -> Any:
        return pickle.loads(self.piece(i))


class Tuples:
    """Tuples of one length, a column for each place."""

    def __init__(self, columns: Sequence[Column], length: int) -> None:
        self.columns = columns
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, i: int) -> tuple[Any, ...]:
        return tuple([column[i] for column in self.columns])

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Tuples, (self.columns, self.length)


def _pieces(kind: type[Pieces], data: bytes, lengths: Any) -> Pieces:
    return kind(data, "B", array("Q", itertools.accumulate(lengths)), "Q")


def _texts(values: Sequence[str]) -> Pieces:
    joined = "".join(values)
    if joined.isascii():
        return _pieces(Texts, joined.encode(), map(len, values))
    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    return _pieces(Texts, b"".join(encoded), map(len, encoded))


def _pickles(values: Sequence[Any]) -> Pieces:
    encoded = [pickle.dumps(value, 5) for value in values]
    return _pieces(Pickles, b"".join(encoded), map(len, encoded))


def pack(values: Sequence[Any], anything: bool = False) -> Column | None:
    """A column of `values`.

    Only of elements that cannot change, so that it makes no difference that each access makes a new object: numbers,
    text, bytes, None and tuples of these. None for others, unless `anything` is accepted.
    """
    if not anything and not all(map(_is_fixed, itertools.islice(values, _SAMPLE))):
        return None  # most lists that cannot be packed are known by their first elements
    kinds = set(map(type, values))
    column = None
    if kinds == {str}:
        return _texts(values)
    if kinds == {bytes}:
        return _pieces(Bytes, b"".join(values), map(len, values))
    if kinds == {bool}:
        return Numbers(bytes(values), "?")
    if kinds == {float}:
        return Numbers(array("d", values), "d")
    if kinds == {int}:
        try:
            return Numbers(array("q", values), "q")
        except OverflowError:
            return _pickles(values)
    if kinds == {tuple}:
        column = _tuples(values)
    elif kinds <= _SCALARS:
        column = _pickles(values)
    return _pickles(values) if column is None and anything else column


def _is_fixed(value: Any) -> bool:
    kind = type(value)
    return kind in _SCALARS or (kind is tuple and all(map(_is_fixed, value)))


def _tuples(values: Sequence[tuple[Any, ...]]) -> Column | None:
    lengths = set(map(len, values))
    if len(lengths) != 1:
        scalars = set(map(type, itertools.chain.from_iterable(values))) <= _SCALARS
        return _pickles(values) if scalars else None
    columns = []
    for place in range(lengths.pop()):
        column = pack(list(map(operator.itemgetter(place), values)))
        if column is None:
            return None
        columns.append(column)
    return Tuples(columns, len(values))
