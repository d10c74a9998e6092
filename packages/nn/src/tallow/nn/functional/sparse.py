"""Look-up tables."""

from __future__ import annotations

import tallow
from tallow import Tensor, ops

_ops = ops.nn


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

    Raises:
        AssertionError: if `padding_idx` is outside the table.
        NotImplementedError: for ``sparse=True``.
    """
    if sparse:
        raise NotImplementedError("embedding(): sparse gradients are not supported, pass sparse=False")
    if padding_idx is None:
        padding_idx = -1
    else:
        rows = weight.size(0)
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    return _ops.embedding(weight, input, padding_idx, scale_grad_by_freq, False)


def _renormalize(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    with tallow.no_grad():
        index = input.flatten()
        rows = weight.index_select(0, index)
        norm = rows.norm(norm_type, 1, keepdim=True)
        scale = tallow.where(norm > max_norm, max_norm / (norm + 1e-7), tallow.ones_like(norm))
        # A row that occurs twice is written twice with the same values.
        weight.index_copy_(0, index, rows * scale)
