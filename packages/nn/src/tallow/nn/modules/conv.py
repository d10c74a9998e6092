"""Convolutions."""

from __future__ import annotations

import math
from typing import Any

import tallow
from tallow import Tensor

from .. import functional as F
from .. import init
from ..parameter import Parameter
from ._arguments import IntPair, pair
from .module import Module

__all__ = ["Conv2d"]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What the convolutions of any number of dimensions share: checks, parameters, padding, repr."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: str | tuple[int, ...],
        dilation: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of ('same', 'valid')")
            if padding == "same" and any(s != 1 for s in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in _PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {_PADDING_MODES}, but got padding_mode='{padding_mode}'")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.padding_mode = padding_mode
        self._border = self._border_sizes()
        shape = (out_channels, in_channels // groups, *kernel_size)
        self.weight = Parameter(tallow.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(tallow.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _border_sizes(self) -> list[int]:
        """How much each side is padded, last dimension first, as ``functional.pad`` takes it."""
        border: list[int] = []
        for i in reversed(range(len(self.kernel_size))):
            if self.padding == "valid":
                border += [0, 0]
            elif self.padding == "same":
                total = self.dilation[i] * (self.kernel_size[i] - 1)
                border += [total // 2, total - total // 2]
            else:
                border += [self.padding[i]] * 2  # type: ignore[list-item]
        return border

    def reset_parameters(self) -> None:
        """Draw the parameters anew: uniform in ``±1/sqrt(fan_in)``."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * len(self.kernel_size):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.dilation):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class Conv2d(_ConvNd):
    """Two-dimensional cross-correlation.

    Args:
        in_channels, out_channels: channels of the image and of the result.
        kernel_size, stride, dilation: one number or (height, width).
        padding: one number, (height, width), "valid" (none), or "same" (the size of the input, for stride 1).
        groups: into how many groups, convolved apart, the channels are cut.
        bias: whether to learn an offset per output channel.
        padding_mode: "zeros", "reflect", "replicate" or "circular".

    Shapes: input ``(N, C_in, H, W)`` or ``(C_in, H, W)``, weight ``(C_out, C_in/groups, kH, kW)``, output
    ``(N, C_out, H_out, W_out)`` with ``H_out = (H + 2*padding - dilation*(kernel_size-1) - 1) // stride + 1``.

    Raises:
        ValueError: if groups do not divide the channels, or padding is unknown or "same" with a stride.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.Conv2d(1, 6, 5)(tallow.zeros(2, 1, 28, 28)).shape)
    (2, 6, 24, 24)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntPair,
        stride: IntPair = 1,
        padding: str | IntPair = 0,
        dilation: IntPair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            pair(kernel_size),
            pair(stride),
            padding if isinstance(padding, str) else pair(padding),
            pair(dilation),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._border, mode=self.padding_mode), (0, 0)
        return F.conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
