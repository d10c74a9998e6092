"""Dropout."""

from __future__ import annotations

from tallow import Tensor

from .. import functional as F
from .module import Module

__all__ = ["Dropout"]


class Dropout(Module):
    """In training, sets each element to zero with probability `p` and scales the rest by ``1 / (1 - p)``.

    In evaluation it is the identity (Hinton et al., 2012).

    Raises:
        ValueError: if `p` is not between 0 and 1.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.Dropout(0.5).eval()(tallow.ones(2)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
