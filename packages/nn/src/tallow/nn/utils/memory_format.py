"""Laying out the weights of convolutions for a memory format."""

from __future__ import annotations

from typing import Any, TypeVar

from ..modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from ..modules.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

AnyModule = TypeVar("AnyModule", bound=Module)


def convert_conv2d_weight_memory_format(module: AnyModule, memory_format: Any) -> AnyModule:
    """Lay the weights of all two-dimensional convolutions of a tree out in `memory_format`, in place.

    >>> import tallow
    >>> from tallow import nn
    >>> net = nn.utils.convert_conv2d_weight_memory_format(nn.Sequential(nn.Conv2d(3, 4, 3)), tallow.channels_last)
    >>> net[0].weight.is_contiguous(memory_format=tallow.channels_last)
    True
    """
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: AnyModule, memory_format: Any) -> AnyModule:
    """Lay the weights of all three-dimensional convolutions of a tree out in `memory_format`, in place.

    >>> import tallow
    >>> from tallow import nn
    >>> conv = nn.utils.convert_conv3d_weight_memory_format(nn.Conv3d(2, 3, 2), tallow.channels_last_3d)
    >>> conv.weight.is_contiguous(memory_format=tallow.channels_last_3d)
    True
    """
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)


def _convert(module: AnyModule, kinds: tuple[type, ...], memory_format: Any) -> AnyModule:
    for layer in module.modules():
        if isinstance(layer, kinds):
            layer.weight.data = layer.weight.detach().clone(memory_format=memory_format)
    return module
