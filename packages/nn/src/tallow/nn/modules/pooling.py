"""Pooling over windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tallow import Tensor

from .. import functional as F
from ._arguments import Ints, each
from .module import Module

__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


class _MaxPoolNd(Module):
    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        dilation: Ints = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _pool(self, pool: Any, input: Tensor) -> Any:
        return pool(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """The largest value of each window of ``(N, C, L)`` or ``(C, L)``; see :class:`MaxPool2d`.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.MaxPool1d(2)(tallow.arange(4.0).reshape(1, 4)).tolist()
    [[1.0, 3.0]]
    """

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.max_pool1d, input)


class MaxPool2d(_MaxPoolNd):
    """The largest value of each window.

    Args:
        kernel_size: the window, one number or (height, width).
        stride: step from window to window. Default: `kernel_size`.
        padding: implicit negative infinity on both sides.
        dilation: step inside a window.
        return_indices: also return where the maxima were, as flat positions in each plane.
        ceil_mode: round the size of the result up instead of down.

    Shapes: input ``(N, C, H, W)`` or ``(C, H, W)``.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.MaxPool2d(2)(tallow.arange(16.0).reshape(1, 1, 4, 4)).flatten().tolist()
    [5.0, 7.0, 13.0, 15.0]
    """

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.max_pool2d, input)


class MaxPool3d(_MaxPoolNd):
    """The largest value of each window of ``(N, C, D, H, W)`` or ``(C, D, H, W)``; see :class:`MaxPool2d`.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.MaxPool3d(2)(tallow.arange(8.0).reshape(1, 2, 2, 2)).item()
    7.0
    """

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.max_pool3d, input)


class _MaxUnpoolNd(Module):
    _spatial: int

    def __init__(self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0) -> None:
        super().__init__()
        self.kernel_size = each(kernel_size, self._spatial)
        self.stride = each(kernel_size if stride is None else stride, self._spatial)
        self.padding = each(padding, self._spatial)

    def _unpool(self, unpool: Any, input: Tensor, indices: Tensor, output_size: Sequence[int] | None) -> Tensor:
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """:class:`MaxUnpool2d` of ``(N, C, L)`` or ``(C, L)``.

    >>> import tallow
    >>> from tallow import nn
    >>> pool, unpool = nn.MaxPool1d(2, return_indices=True), nn.MaxUnpool1d(2)
    >>> unpool(*pool(tallow.arange(4.0).reshape(1, 4))).tolist()
    [[0.0, 1.0, 0.0, 3.0]]
    """

    _spatial = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._unpool(F.max_unpool1d, input, indices, output_size)


class MaxUnpool2d(_MaxUnpoolNd):
    """What a :class:`MaxPool2d` with indices pooled, where it was; zeros elsewhere.

    Args:
        kernel_size, stride, padding: of that pooling.

    ``forward`` takes the two results of the pooling and, where several sizes would have been pooled to the input's,
    the `output_size`.

    >>> import tallow
    >>> from tallow import nn
    >>> pool, unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
    >>> unpool(*pool(tallow.arange(4.0).reshape(1, 2, 2))).tolist()
    [[[0.0, 0.0], [0.0, 3.0]]]
    """

    _spatial = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._unpool(F.max_unpool2d, input, indices, output_size)


class MaxUnpool3d(_MaxUnpoolNd):
    """:class:`MaxUnpool2d` of ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    >>> import tallow
    >>> from tallow import nn
    >>> pool, unpool = nn.MaxPool3d(2, return_indices=True), nn.MaxUnpool3d(2)
    >>> unpool(*pool(tallow.arange(8.0).reshape(1, 2, 2, 2))).flatten().tolist()[-2:]
    [0.0, 7.0]
    """

    _spatial = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._unpool(F.max_unpool3d, input, indices, output_size)


class _AvgPoolNd(Module):
    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """The mean of each window of ``(N, C, L)`` or ``(C, L)``; see :class:`AvgPool2d`.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.AvgPool1d(2)(tallow.arange(4.0).reshape(1, 4)).tolist()
    [[0.5, 2.5]]
    """

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = each(kernel_size, 1)
        self.stride = each(kernel_size if stride is None else stride, 1)
        self.padding = each(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class _DividedAvgPoolNd(_AvgPoolNd):
    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def _pool(self, pool: Any, input: Tensor) -> Tensor:
        return pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool2d(_DividedAvgPoolNd):
    """The mean of each window.

    Args:
        kernel_size, stride, padding, ceil_mode: as in :class:`MaxPool2d`; padding is with zeros.
        count_include_pad: whether the padding counts in the mean.
        divisor_override: divide by this instead of the size of the window.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.AvgPool2d(2)(tallow.arange(16.0).reshape(1, 1, 4, 4)).flatten().tolist()
    [2.5, 4.5, 10.5, 12.5]
    """

    def forward(self, input: Tensor) -> Tensor:
        return self._pool(F.avg_pool2d, input)


class AvgPool3d(_DividedAvgPoolNd):
    """The mean of each window of ``(N, C, D, H, W)`` or ``(C, D, H, W)``; see :class:`AvgPool2d`.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.AvgPool3d(2)(tallow.arange(8.0).reshape(1, 2, 2, 2)).item()
    3.5
    """

    def forward(self, input: Tensor) -> Tensor:
        return self._pool(F.avg_pool3d, input)
