"""A batch that is already there as tensors, seen as the sequence of its samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tallow import Tensor


class TensorRows(Sequence):
    """What ``TensorDataset.__getitems__`` returns: to any collate function a sequence of tuples of rows.

    ``default_collate`` knows it, and takes the columns as they are instead of stacking the rows again.
    """

    __slots__ = ("columns", "_length")

    def __init__(self, columns: tuple[Tensor, ...], length: int) -> None:
        self.columns = columns
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._length))]
        if not -self._length <= index < self._length:
            raise IndexError(f"index {index} is out of range for a batch of {self._length}")
        return tuple(column[index] for column in self.columns)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return zip(*(column.unbind(0) for column in self.columns), strict=True)


class RecordRows(Sequence):
    """The same for samples that are dicts: a column of numbers is a tensor, any other one a list.

    ``default_collate`` takes the dict of columns as it is.
    """

    __slots__ = ("columns", "_length")

    def __init__(self, columns: dict[str, Any], length: int) -> None:
        self.columns = columns
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._length))]
        if not -self._length <= index < self._length:
            raise IndexError(f"index {index} is out of range for a batch of {self._length}")
        return {name: item(column[index]) for name, column in self.columns.items()}


def item(value: Any) -> Any:
    """The number in a tensor of one; anything else as it is."""
    return value.item() if isinstance(value, Tensor) and not value.dim() else value
