"""Distances and similarities of vectors."""

from __future__ import annotations

from tallow import Tensor, ops

_ops = ops.nn


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The `p`-norm of ``x1 - x2 + eps`` along the last dimension.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.pairwise_distance(tallow.tensor([[3.0, 4.0]]), tallow.zeros(1, 2)).round().tolist()
    [5.0]
    """
    return _ops.pairwise_distance(x1, x2, p, eps, keepdim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along `dim`, of shapes that broadcast; norms count at least `eps`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.cosine_similarity(tallow.tensor([[2.0, 0.0]]), tallow.tensor([[0.0, 3.0]])).item()
    0.0
    """
    return _ops.cosine_similarity(x1, x2, dim, eps)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The `p`-norm distances of all pairs of rows of ``(N, M)``: ``N * (N - 1) / 2`` values, (0, 1) first.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.pdist(tallow.tensor([[0.0], [1.0], [3.0]])).tolist()
    [1.0, 3.0, 2.0]
    """
    return _ops.pdist(input, p)
