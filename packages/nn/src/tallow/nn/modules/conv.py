"""Convolutions and transposed convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from tallow import Tensor

from .. import functional as F
from ._arguments import Ints, each
from ._conv_base import _ConvNd, _ConvTransposeNd

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class _Conv(_ConvNd):
    """A convolution of `_dims` dimensions by `_function`."""

    _dims: ClassVar[int]
    _function: ClassVar[Callable[..., Tensor]]

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
        dims = self._dims
        super().__init__(
            in_channels,
            out_channels,
            each(kernel_size, dims),
            each(stride, dims),
            padding if isinstance(padding, str) else each(padding, dims),
            each(dilation, dims),
            False,
            each(0, dims),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self._convolve(self._function, input, weight, bias)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)


class _ConvTranspose(_ConvTransposeNd):
    """A transposed convolution of `_dims` dimensions by `_function`."""

    _dims: ClassVar[int]
    _function: ClassVar[Callable[..., Tensor]]

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
        dims = self._dims
        super().__init__(
            in_channels,
            out_channels,
            each(kernel_size, dims),
            each(stride, dims),
            each(padding, dims),
            each(dilation, dims),
            True,
            each(output_padding, dims),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._transpose(self._function, input, output_size)


class Conv1d(_Conv):
    """One-dimensional cross-correlation of ``(N, C_in, L)`` or ``(C_in, L)``; see :class:`Conv2d`.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.Conv1d(4, 6, 3)(tallow.zeros(2, 4, 8)).shape)
    (2, 6, 6)
    """

    _dims = 1
    _function = staticmethod(F.conv1d)


class Conv2d(_Conv):
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

    _dims = 2
    _function = staticmethod(F.conv2d)


class Conv3d(_Conv):
    """Three-dimensional cross-correlation of ``(N, C_in, D, H, W)`` or ``(C_in, D, H, W)``; see :class:`Conv2d`.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.Conv3d(1, 2, 3, padding=1)(tallow.zeros(1, 4, 5, 6)).shape)
    (2, 4, 5, 6)
    """

    _dims = 3
    _function = staticmethod(F.conv3d)


class ConvTranspose1d(_ConvTranspose):
    """:class:`ConvTranspose2d` of ``(N, C_in, L)`` or ``(C_in, L)``.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.ConvTranspose1d(4, 2, 2, stride=2)(tallow.zeros(1, 4, 5)).shape)
    (1, 2, 10)
    """

    _dims = 1
    _function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
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

    _dims = 2
    _function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """:class:`ConvTranspose2d` of ``(N, C_in, D, H, W)`` or ``(C_in, D, H, W)``.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.ConvTranspose3d(1, 2, 2)(tallow.zeros(1, 4, 5, 6)).shape)
    (2, 5, 6, 7)
    """

    _dims = 3
    _function = staticmethod(F.conv_transpose3d)
