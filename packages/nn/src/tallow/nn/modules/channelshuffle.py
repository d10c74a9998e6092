"""Channels in another order."""

from __future__ import annotations

from tallow import Tensor

from .. import functional as F
from .module import Module

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """Deals the channels of ``(N, C, *)`` out anew over `groups` (Zhang et al., ShuffleNet, 2018).

    >>> import tallow
    >>> from tallow import nn
    >>> nn.ChannelShuffle(2)(tallow.arange(4).reshape(1, 4, 1)).flatten().tolist()
    [0, 2, 1, 3]
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
