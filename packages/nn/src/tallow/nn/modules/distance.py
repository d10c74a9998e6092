"""Distances and similarities of vectors."""

from __future__ import annotations

from tallow import Tensor

from .. import functional as F
from .module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class PairwiseDistance(Module):
    """The `p`-norm of ``x1 - x2 + eps`` along the last dimension.

    Args:
        p: the order of the norm. Default: 2.
        eps: added to the difference, so that the gradient is finite where both are equal. Default: 1e-6.
        keepdim: whether the last dimension stays, of size 1. Default: False.

    Shapes: inputs ``(N, D)`` or ``(D,)`` that broadcast; output ``(N,)`` or ``()``.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.PairwiseDistance(p=1)(tallow.tensor([[3.0, 4.0]]), tallow.zeros(1, 2)).round().tolist()
    [7.0]
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along `dim`.

    Args:
        dim: where the vectors' elements lie. Default: 1.
        eps: what a norm counts at least. Default: 1e-8.

    Shapes: inputs that broadcast; output the same without `dim`.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.CosineSimilarity(dim=0)(tallow.tensor([1.0, 0.0]), tallow.tensor([2.0, 0.0])).item()
    1.0
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
