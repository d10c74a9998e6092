"""Batches of sequences of different lengths: packed, padded, and as lists.

A :class:`PackedSequence` holds the steps one after the other, each with as many rows as sequences are still going on;
sequences are sorted by length, longest first, so that row ``b`` of a step belongs to sequence ``b``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import tallow
from tallow import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _PackedFields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_PackedFields):
    """What recurrent modules take and return for sequences of different lengths; made by :func:`pack_sequence`.

    Attributes:
        data: ``(sum of lengths, *)``, step after step.
        batch_sizes: how many rows each step has, int64 on the CPU.
        sorted_indices, unsorted_indices: where the sequences were before sorting, and back; None if not sorted here.

    >>> import tallow
    >>> packed = pack_sequence([tallow.tensor([1, 2, 3]), tallow.tensor([4, 5])])
    >>> packed.data.tolist(), packed.batch_sizes.tolist()
    ([1, 4, 2, 5, 3], [2, 2, 1])
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:  # PackedSequence((data, batch_sizes))
            if not (isinstance(data, list | tuple) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if batch_sizes.device.type != "cpu":
            raise ValueError("batch_sizes should always be on CPU; pack_sequence() and others make them so")
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Like :meth:`Tensor.to`, for the data; indices go to its device."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        indices = [t if t is None else t.to(data.device) for t in (self.sorted_indices, self.unsorted_indices)]
        return type(self)(data, self.batch_sizes, *indices)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        return self.to(*args, **kwargs).to("cpu")

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        return self.to(*(args or ("cuda",)), **kwargs)

    def double(self) -> PackedSequence:
        return self.to(tallow.float64)

    def float(self) -> PackedSequence:
        return self.to(tallow.float32)

    def half(self) -> PackedSequence:
        return self.to(tallow.float16)

    def long(self) -> PackedSequence:
        return self.to(tallow.int64)

    def int(self) -> PackedSequence:
        return self.to(tallow.int32)

    def short(self) -> PackedSequence:
        return self.to(tallow.int16)

    def char(self) -> PackedSequence:
        return self.to(tallow.int8)

    def byte(self) -> PackedSequence:
        return self.to(tallow.uint8)

    def pin_memory(self) -> PackedSequence:
        indices = [t if t is None else t.pin_memory() for t in (self.sorted_indices, self.unsorted_indices)]
        return type(self)(self.data.pin_memory(), self.batch_sizes, *indices)

    @property
    def is_cuda(self) -> bool:
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        return self.data.is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes `permutation`, a one-dimensional tensor of indices; None of None.

    >>> import tallow
    >>> invert_permutation(tallow.tensor([2, 0, 1])).tolist()
    [1, 2, 0]
    """
    if permutation is None:
        return None
    places = tallow.arange(permutation.numel(), device=permutation.device, dtype=permutation.dtype)
    return tallow.empty_like(permutation).scatter_(0, permutation, places)


def _runs(batch_sizes: list[int]) -> Iterator[tuple[int, int]]:
    """(batch size, number of steps) of consecutive steps with the same batch size."""
    for size, steps in groupby(batch_sizes):
        yield size, len(list(steps))


def _lengths(batch_sizes: list[int]) -> list[int]:
    """How long each sequence is."""
    lengths, steps = [0] * (batch_sizes[0] if batch_sizes else 0), 0
    for size, count in _runs(batch_sizes):
        steps += count
        lengths[:size] = [steps] * size
    return lengths


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | list[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Leave the padding out of a padded batch.

    Args:
        input: ``(T, B, *)``, or ``(B, T, *)`` if `batch_first`.
        lengths: of the B sequences.
        enforce_sorted: require decreasing lengths; if False, sequences are sorted here.

    Raises:
        RuntimeError: if a length is not positive or beyond T, or lengths are not sorted but have to be.

    >>> import tallow
    >>> packed = pack_padded_sequence(tallow.tensor([[1, 2, 0], [3, 4, 5]]), [2, 3], True, enforce_sorted=False)
    >>> packed.data.tolist(), packed.sorted_indices.tolist()
    ([3, 1, 4, 2, 5], [1, 0])
    """
    if not isinstance(lengths, Tensor):
        lengths = tallow.tensor(list(lengths), dtype=tallow.int64)
    lengths = lengths.to(dtype=tallow.int64)
    sorted_indices = None
    if not enforce_sorted:
        lengths, order = tallow.sort(lengths, descending=True)
        sorted_indices = order.to(input.device)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    if batch_first:
        input = input.transpose(0, 1)
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    steps, batch = input.shape[:2]
    sizes = lengths.tolist()
    if lengths.dim() != 1 or len(sizes) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} (batch_size={batch})"
        )
    if min(sizes) <= 0:
        raise RuntimeError(f"Length of all samples has to be greater than 0, but found {min(sizes)} in 'lengths'")
    if sorted(sizes, reverse=True) != sizes:
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement."
        )
    if sizes[0] > steps:
        raise RuntimeError(f"Expected lengths of at most {steps}, the length of the padded input, but got {sizes[0]}")
    pieces, batch_sizes, at = [], [], 0
    for going_on in range(batch, 0, -1):
        end = sizes[going_on - 1]
        if end > at:
            pieces.append(input[at:end, :going_on].reshape(-1, *input.shape[2:]))
            batch_sizes += [going_on] * (end - at)
            at = end
    return PackedSequence(tallow.cat(pieces), tallow.tensor(batch_sizes, dtype=tallow.int64), sorted_indices)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The padded batch that `sequence` holds, in the original order, and the lengths.

    Args:
        total_length: pad to this many steps instead of the longest sequence's.

    Raises:
        ValueError: if `total_length` is less than the longest sequence's.

    >>> import tallow
    >>> from tallow import nn
    >>> packed = pack_sequence([tallow.tensor([1, 2, 3]), tallow.tensor([4, 5])])
    >>> padded, lengths = pad_packed_sequence(packed, batch_first=True)
    >>> padded.tolist(), lengths.tolist()
    ([[1, 2, 3], [4, 5, 0]], [3, 2])
    """
    batch_sizes = sequence.batch_sizes.tolist()
    steps = len(batch_sizes)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    data = sequence.data
    batch, rest = batch_sizes[0], tuple(data.shape[1:])
    pieces, row = [], 0

    def padding(*shape: int) -> Tensor:
        return tallow.full(shape + rest, padding_value, dtype=data.dtype, device=data.device)

    for size, count in _runs(batch_sizes):
        piece = data[row : row + size * count].reshape(count, size, *rest)
        pieces.append(piece if size == batch else tallow.cat([piece, padding(count, batch - size)], 1))
        row += size * count
    if steps > len(batch_sizes):
        pieces.append(padding(steps - len(batch_sizes), batch))
    padded, lengths = tallow.cat(pieces), tallow.tensor(_lengths(batch_sizes), dtype=tallow.int64)
    if batch_first:
        padded = padded.transpose(0, 1)
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(0 if batch_first else 1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices.cpu()]
    return padded, lengths


def pad_sequence(
    sequences: Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences of shapes ``(L, *)`` as one tensor ``(T, B, *)``, or ``(B, T, *)``, T being the longest L.

    Raises:
        TypeError: if an element is no tensor.
        RuntimeError: if `sequences` is empty, or `padding_side` is neither "left" nor "right".

    >>> import tallow
    >>> pad_sequence([tallow.tensor([1, 2]), tallow.tensor([3])], batch_first=True).tolist()
    [[1, 2], [3, 0]]
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: Expected iterable for input sequences, but got {type(sequences)}")
    rows = list(sequences)
    for i, row in enumerate(rows):
        if not isinstance(row, Tensor):
            raise TypeError(f"pad_sequence: expected Tensor as element {i} of sequences, but got {type(row).__name__}")
    if not rows:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    steps = max(row.size(0) for row in rows)
    padded = []
    for row in rows:
        missing = (steps - row.size(0), *row.shape[1:])
        if missing[0]:
            fill = tallow.full(missing, padding_value, dtype=row.dtype, device=row.device)
            row = tallow.cat([row, fill] if padding_side == "right" else [fill, row])
        padded.append(row)
    return tallow.stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch without their padding.

    >>> import tallow
    >>> [t.tolist() for t in unpad_sequence(tallow.tensor([[1, 2], [3, 0]]), tallow.tensor([2, 1]), batch_first=True)]
    [[1, 2], [3]]
    """
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [row[:length] for row, length in zip(padded_sequences, lengths.tolist(), strict=True)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """:func:`pad_sequence`, then :func:`pack_padded_sequence`.

    >>> import tallow
    >>> from tallow import nn
    >>> pack_sequence([tallow.tensor([1, 2, 3]), tallow.tensor([4, 5])]).data.tolist()
    [1, 4, 2, 5, 3]
    """
    lengths = [row.size(0) for row in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed.

    >>> import tallow
    >>> a, b = tallow.tensor([1, 2, 3]), tallow.tensor([4, 5])
    >>> [t.tolist() for t in unpack_sequence(pack_sequence([a, b]))]
    [[1, 2, 3], [4, 5]]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
