"""Blocks of an image as columns, and back."""

from __future__ import annotations

from tallow import Tensor

from .. import functional as F
from ._arguments import Ints
from .module import Module

__all__ = ["Fold", "Unfold"]


class Fold(Module):
    """Sums columns, as :class:`Unfold` makes them, into an image of `output_size`.

    Args:
        output_size: (height, width), or a number for both.
        kernel_size, dilation, padding, stride: of the blocks.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.Fold((1, 3), (1, 2))(tallow.ones(2, 2)).tolist()
    [[[1.0, 2.0, 1.0]]]
    """

    def __init__(
        self, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Unfold(Module):
    """The blocks of ``(N, C, H, W)`` or ``(C, H, W)`` that a convolution would look at, as columns.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.Unfold((1, 2))(tallow.arange(4.0).reshape(1, 2, 2)).tolist()
    [[0.0, 2.0], [1.0, 3.0]]
    """

    def __init__(self, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
