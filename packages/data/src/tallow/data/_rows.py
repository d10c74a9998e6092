"""A batch that is already there, seen as the sequence of its samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tallow import Tensor


class _Rows(Sequence):
    """To any collate function a sequence of samples; ``default_collate`` knows it and takes the columns as they are."""

    __slots__ = ("_length", "columns")

    def __init__(self, columns: Any, length: int) -> None:
        self.columns = columns
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._length))]
        if not -self._length <= index < self._length:
            raise IndexError(f"index {index} is out of range for a batch of {self._length}")
        return self._sample(index)

    def _sample(self, index: int) -> Any:
        raise NotImplementedError


class TensorRows(_Rows):
    """What ``TensorDataset.__getitems__`` returns: samples are tuples of rows of the tensors in `columns`."""

    __slots__ = ()

    def _sample(self, index: int) -> tuple[Tensor, ...]:
        return tuple(column[index] for column in self.columns)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return zip(*(column.unbind(0) for column in self.columns), strict=True)


class RecordRows(_Rows):
    """Samples that are dicts: in the dict `columns` one of numbers is a tensor, any other one a list."""

    __slots__ = ()

    def _sample(self, index: int) -> dict[str, Any]:
        return {name: item(column[index]) for name, column in self.columns.items()}


def item(value: Any) -> Any:
    """The number in a tensor of one; anything else as it is."""
    return value.item() if isinstance(value, Tensor) and not value.dim() else value
