"""Channels to pixels and back."""

from __future__ import annotations

from tallow import Tensor

from .. import functional as F
from .module import Module

__all__ = ["PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Module):
    """``(*, C * r**2, H, W)`` to ``(*, C, H * r, W * r)`` with r the `upscale_factor` (Shi et al., 2016).

    >>> import tallow
    >>> from tallow import nn
    >>> nn.PixelShuffle(2)(tallow.arange(4).reshape(4, 1, 1)).tolist()
    [[[0, 1], [2, 3]]]
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """``(*, C, H * r, W * r)`` to ``(*, C * r**2, H, W)`` with r the `downscale_factor`: undoes :class:`PixelShuffle`.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.PixelUnshuffle(2)(tallow.arange(4).reshape(1, 2, 2)).flatten().tolist()
    [0, 1, 2, 3]
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"
