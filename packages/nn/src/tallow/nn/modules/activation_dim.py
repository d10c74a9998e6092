"""Activations along a dimension."""

from __future__ import annotations

from tallow import Tensor

from .. import functional as F
from .module import Module

__all__ = ["GLU", "LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class GLU(Module):
    """The first half along `dim` times the sigmoid of the second half (Dauphin et al., 2016).

    >>> import tallow
    >>> from tallow import nn
    >>> nn.GLU()(tallow.tensor([4.0, 0.0])).tolist()
    [2.0]
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class _AlongDim(Module):
    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """``exp(x) / sum(exp(x))`` along `dim`.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.Softmax(dim=0)(tallow.zeros(4)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmin(_AlongDim):
    """:class:`Softmax` of ``-x``.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.Softmin(dim=0)(tallow.zeros(4)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """The logarithm of :class:`Softmax`, computed without leaving logarithms.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.LogSoftmax(dim=0)(tallow.zeros(2))
    tensor([-0.6931, -0.6931])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """:class:`Softmax` over the channels of ``(N, C, H, W)`` or ``(C, H, W)``, for each place apart.

    Raises:
        ValueError: if the input has not 3 or 4 dimensions.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.Softmax2d()(tallow.zeros(2, 1, 1)).flatten().tolist()
    [0.5, 0.5]
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3)
