"""Look-up tables."""

from __future__ import annotations

import math
import warnings

import tallow
from tallow import Tensor, ops

_ops = ops.nn


def _row_of(weight: Tensor, padding_idx: int | None) -> int:
    """`padding_idx` counted from the front, -1 for None."""
    if padding_idx is None:
        return -1
    rows = weight.size(0)
    if not -rows <= padding_idx < rows:
        raise AssertionError(f"Padding_idx must be within num_embeddings, got {padding_idx} for {rows}")
    return padding_idx % rows


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of `weight`, ``(V, D)``, by the integers in `input`: the result has input's shape with D appended.

    Args:
        padding_idx: a row that gets no gradient.
        max_norm: rows that are looked up are first scaled down, in place, to at most this `norm_type`-norm.
        scale_grad_by_freq: divide gradients by how often the row occurs in `input`.
        sparse: the gradient of `weight` is a sparse tensor: one row per index, not a table that is mostly zeros.

    Raises:
        AssertionError: if `padding_idx` is outside the table.
        IndexError: for an index outside the table.
        RuntimeError: in backward, for `sparse` with `scale_grad_by_freq`.

    >>> import tallow
    >>> embedding(tallow.tensor([2, 0]), tallow.tensor([[1.0], [2.0], [3.0]])).tolist()
    [[3.0], [1.0]]
    """
    row = _row_of(weight, padding_idx)
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    return _ops.embedding(weight, input, row, scale_grad_by_freq, sparse)


def _renormalize(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    with tallow.no_grad():
        index = input.flatten()
        rows = weight.index_select(0, index)
        norm = rows.norm(norm_type, 1, keepdim=True)
        scale = tallow.where(norm > max_norm, max_norm / (norm + 1e-7), tallow.ones_like(norm))
        # A row that occurs twice is written twice with the same values.
        weight.index_copy_(0, index, rows * scale)


def _bags(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> tuple[Tensor, Tensor]:
    """The indices in one row, and how many of them each bag has."""
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch of bags")
        counts = tallow.full((input.size(0),), input.size(1), dtype=tallow.int64, device=input.device)
        return input.reshape(-1), counts
    if input.dim() != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.dim() != 1:
        raise ValueError(f"offsets has to be a 1D Tensor, but got Tensor of dimension {offsets.dim()}")
    if offsets.dtype not in (tallow.int32, tallow.int64):
        raise RuntimeError(f"expected offsets to have dtype int32 or int64, but got {offsets.dtype}")
    starts = offsets.tolist()
    if include_last_offset and not starts:
        raise RuntimeError("include_last_offset: numel() of offsets must be at least 1")
    if starts and starts[0] != 0:
        raise RuntimeError(
            f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
            f"However, got {starts[0]}"
        )
    if starts and starts[-1] > input.size(0):
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length({input.size(0)}) but got offsets[-1] of {starts[-1]}"
        )
    ends = starts[1:] if include_last_offset else [*starts[1:], input.size(0)]
    sizes = [end - start for start, end in zip(starts, ends, strict=False)]
    if any(size < 0 for size in sizes):
        raise RuntimeError(f"offsets must not decrease, but got {starts}")
    # What lies beyond the last offset belongs to no bag.
    return input[: sum(sizes)], tallow.tensor(sizes, dtype=tallow.int64, device=input.device)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sums, means or maxima of rows of `weight`, ``(V, D)``, over bags of indices: ``(B, D)``.

    Args:
        input: ``(B, N)``, bags of equal size, or ``(N,)`` with `offsets`.
        offsets: ``(B,)``, where each bag begins; with `include_last_offset` ``(B + 1,)``, its last element the end.
        mode: "sum", "mean" or "max". An empty bag gives zeros.
        per_sample_weights: of input's shape: factors of the rows, for "sum" only.
        padding_idx: an index that takes no part, and whose row gets no gradient.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for :func:`embedding`.

    Raises:
        ValueError: if dimensions or options do not fit together.
        RuntimeError: if offsets do not begin with 0, or leave the input.
        NotImplementedError: for `per_sample_weights` with another mode than "sum".

    >>> import tallow
    >>> table = tallow.tensor([[1.0], [2.0], [4.0]])
    >>> embedding_bag(tallow.tensor([0, 1, 2]), table, tallow.tensor([0, 2]), mode="sum").tolist()
    [[3.0], [4.0]]
    """
    if weight.dtype == tallow.int64 and input.is_floating_point():
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed: pass input, then weight", stacklevel=2
        )
        weight, input = input, weight
    if per_sample_weights is not None and tuple(input.shape) != tuple(per_sample_weights.shape):
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({tuple(per_sample_weights.shape)}) is not None, then it must have "
            f"the same shape as the input ({tuple(input.shape)})"
        )
    if weight.dim() != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}")
    indices, counts = _bags(input, offsets, include_last_offset)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"mode has to be one of sum, mean or max, got {mode}")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}')."
        )
    padding = _row_of(weight, padding_idx)
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    batch = counts.numel()
    bag = tallow.repeat_interleave(tallow.arange(batch, device=input.device), counts)
    factors = None if per_sample_weights is None else per_sample_weights.reshape(-1)[: indices.numel()]
    if padding >= 0:
        kept = (indices != padding).nonzero().squeeze(1)
        indices, bag = indices[kept], bag[kept]
        factors = None if factors is None else factors[kept]
        counts = tallow.zeros_like(counts).index_add_(0, bag, tallow.ones_like(bag))
    rows = _ops.embedding(weight, indices, -1, scale_grad_by_freq, sparse)
    if mode == "max":
        return _bag_maxima(rows, bag, counts)
    if factors is not None:
        rows = rows * factors.unsqueeze(1)
    zeros = tallow.zeros((batch, weight.size(1)), dtype=rows.dtype, device=rows.device)
    sums = zeros.index_add(0, bag, rows)
    return sums if mode == "sum" else sums / counts.clamp(min=1).unsqueeze(1).to(sums.dtype)


def _bag_maxima(rows: Tensor, bag: Tensor, counts: Tensor) -> Tensor:
    """Column maxima of the rows of each bag; the first of equal rows gets the gradient."""
    batch, width = counts.numel(), rows.size(1)
    longest = int(counts.max()) if batch else 0
    if longest == 0:
        return rows.new_zeros((batch, width)) + rows.sum() * 0
    position = tallow.arange(bag.numel(), device=bag.device) - (counts.cumsum(0) - counts)[bag]
    padded = rows.new_full((batch * longest, width), -math.inf).index_copy(0, bag * longest + position, rows)
    maxima = padded.view(batch, longest, width).max(1)[0]
    return maxima.masked_fill((counts == 0).unsqueeze(1), 0.0)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Indices of any shape as rows that are 1 there and 0 elsewhere: int64, with `num_classes` appended to the shape.

    Args:
        num_classes: -1 for the largest index plus one.

    Raises:
        RuntimeError: if `tensor` is not int64, or an index is not within the classes.

    >>> import tallow
    >>> one_hot(tallow.tensor([2, 0])).tolist()
    [[0, 0, 1], [1, 0, 0]]
    """
    if tensor.dtype != tallow.int64:
        raise RuntimeError(f"one_hot is only applicable to index tensor of type int64, got {tensor.dtype}")
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return tallow.zeros((*tensor.shape, num_classes), dtype=tallow.int64, device=tensor.device)
    if int(tensor.min()) < 0:
        raise RuntimeError("Class values must be non-negative.")
    largest = int(tensor.max())
    if num_classes == -1:
        num_classes = largest + 1
    elif num_classes < 1:
        raise RuntimeError(f"num_classes should be positive, got {num_classes}")
    elif largest >= num_classes:
        raise RuntimeError(f"Class values must be smaller than num_classes, got {largest} for {num_classes}")
    zeros = tallow.zeros((*tensor.shape, num_classes), dtype=tallow.int64, device=tensor.device)
    return zeros.scatter_(-1, tensor.unsqueeze(-1), 1)
