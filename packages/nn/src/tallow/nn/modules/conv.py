"""Convolutions and transposed convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tallow import Tensor

from .. import functional as F
from ._arguments import IntPair, Ints, IntTriple, each
from ._conv_base import _ConvNd, _ConvTransposeNd

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class Conv1d(_ConvNd):
    """One-dimensional cross-correlation of ``(N, C_in, L)`` or ``(C_in, L)``; see :class:`Conv2d`.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.Conv1d(4, 6, 3)(tallow.zeros(2, 4, 8)).shape)
    (2, 6, 6)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: str | Ints = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            each(kernel_size, 1),
            each(stride, 1),
            padding if isinstance(padding, str) else each(padding, 1),
            each(dilation, 1),
            False,
            each(0, 1),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self._convolve(F.conv1d, input, weight, bias)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)


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
            each(kernel_size, 2),
            each(stride, 2),
            padding if isinstance(padding, str) else each(padding, 2),
            each(dilation, 2),
            False,
            each(0, 2),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self._convolve(F.conv2d, input, weight, bias)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)


class Conv3d(_ConvNd):
    """Three-dimensional cross-correlation of ``(N, C_in, D, H, W)`` or ``(C_in, D, H, W)``; see :class:`Conv2d`.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.Conv3d(1, 2, 3, padding=1)(tallow.zeros(1, 4, 5, 6)).shape)
    (2, 4, 5, 6)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntTriple,
        stride: IntTriple = 1,
        padding: str | IntTriple = 0,
        dilation: IntTriple = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            each(kernel_size, 3),
            each(stride, 3),
            padding if isinstance(padding, str) else each(padding, 3),
            each(dilation, 3),
            False,
            each(0, 3),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self._convolve(F.conv3d, input, weight, bias)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)


class ConvTranspose1d(_ConvTransposeNd):
    """:class:`ConvTranspose2d` of ``(N, C_in, L)`` or ``(C_in, L)``.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.ConvTranspose1d(4, 2, 2, stride=2)(tallow.zeros(1, 4, 5)).shape)
    (1, 2, 10)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Ints = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            each(kernel_size, 1),
            each(stride, 1),
            each(padding, 1),
            each(dilation, 1),
            True,
            each(output_padding, 1),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._transpose(F.conv_transpose1d, input, output_size)


class ConvTranspose2d(_ConvTransposeNd):
    """The gradient of a :class:`Conv2d` with respect to its input, as a layer ("deconvolution").

    Args:
        in_channels, out_channels: channels of the image and of the result.
        kernel_size, stride, padding, dilation: of the convolution; one number or (height, width).
        output_padding: how much larger the result is at the far side.
        groups, bias: as in :class:`Conv2d`.
        padding_mode: only "zeros".

    Shapes: input ``(N, C_in, H, W)`` or ``(C_in, H, W)``, weight ``(C_in, C_out/groups, kH, kW)``, output
    ``(N, C_out, H_out, W_out)`` with
    ``H_out = (H - 1)*stride - 2*padding + dilation*(kernel_size - 1) + output_padding + 1``. ``forward`` also takes
    that size as `output_size`, where several sizes would have been convolved to the input's.

    Raises:
        ValueError: if groups do not divide the channels, or for an `output_size` out of reach.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.ConvTranspose2d(4, 2, 3, stride=2)(tallow.zeros(1, 4, 5, 5), output_size=(12, 11)).shape)
    (1, 2, 12, 11)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntPair,
        stride: IntPair = 1,
        padding: IntPair = 0,
        output_padding: IntPair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: IntPair = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            each(kernel_size, 2),
            each(stride, 2),
            each(padding, 2),
            each(dilation, 2),
            True,
            each(output_padding, 2),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._transpose(F.conv_transpose2d, input, output_size)


class ConvTranspose3d(_ConvTransposeNd):
    """:class:`ConvTranspose2d` of ``(N, C_in, D, H, W)`` or ``(C_in, D, H, W)``.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.ConvTranspose3d(1, 2, 2)(tallow.zeros(1, 4, 5, 6)).shape)
    (2, 5, 6, 7)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntTriple,
        stride: IntTriple = 1,
        padding: IntTriple = 0,
        output_padding: IntTriple = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: IntTriple = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            each(kernel_size, 3),
            each(stride, 3),
            each(padding, 3),
            each(dilation, 3),
            True,
            each(output_padding, 3),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._transpose(F.conv_transpose3d, input, output_size)
