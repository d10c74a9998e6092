"""Pooling over windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tallow import Tensor, ops

_ops = ops.nn
_Ints = int | tuple[int, ...] | list[int]
_Pool = Callable[..., Any]


def max_pool1d(
    input: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window of ``(N, C, L)`` or ``(C, L)``.

    Args:
        kernel_size, stride, dilation: one number or one per dimension; `stride` defaults to `kernel_size`.
        padding: cells of negative infinity on both sides, at most half of the kernel.
        ceil_mode: round the size of the result up: the last window may reach over the edge.
        return_indices: also return where the maxima are, as flat positions in each row.

    Raises:
        RuntimeError: for shapes, sizes or paddings that make no window.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.max_pool1d(tallow.tensor([[1.0, 3.0, 2.0, 4.0]]), 2).tolist()
    [[3.0, 4.0]]
    """
    pool = _ops.max_pool1d_with_indices if return_indices else _ops.max_pool1d
    return pool(input, kernel_size, kernel_size if stride is None else stride, padding, dilation, ceil_mode)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool1d` that always returns the indices too."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d(
    input: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window of ``(N, C, H, W)`` or ``(C, H, W)``.

    Args:
        kernel_size, stride, dilation: one number or one per dimension; `stride` defaults to `kernel_size`.
        padding: cells of negative infinity on both sides, at most half of the kernel.
        ceil_mode: round the size of the result up: the last window may reach over the edge.
        return_indices: also return where the maxima are, as flat positions in each plane.

    Raises:
        RuntimeError: for shapes, sizes or paddings that make no window.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.max_pool2d(tallow.arange(16.0).reshape(1, 4, 4), 2).tolist()
    [[[5.0, 7.0], [13.0, 15.0]]]
    """
    pool = _ops.max_pool2d_with_indices if return_indices else _ops.max_pool2d
    return pool(input, kernel_size, kernel_size if stride is None else stride, padding, dilation, ceil_mode)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool2d` that always returns the indices too."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d(
    input: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window of ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Args:
        kernel_size, stride, dilation: one number or one per dimension; `stride` defaults to `kernel_size`.
        padding: cells of negative infinity on both sides, at most half of the kernel.
        ceil_mode: round the size of the result up: the last window may reach over the edge.
        return_indices: also return where the maxima are, as flat positions in each volume.

    Raises:
        RuntimeError: for shapes, sizes or paddings that make no window.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.max_pool3d(tallow.arange(8.0).reshape(1, 2, 2, 2), 2).item()
    7.0
    """
    pool = _ops.max_pool3d_with_indices if return_indices else _ops.max_pool3d
    return pool(input, kernel_size, kernel_size if stride is None else stride, padding, dilation, ceil_mode)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool3d` that always returns the indices too."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def avg_pool1d(
    input: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of ``(N, C, L)`` or ``(C, L)``; see :func:`avg_pool2d`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.avg_pool1d(tallow.tensor([[1.0, 3.0, 2.0, 4.0]]), 2).tolist()
    [[2.0, 3.0]]
    """
    return _average(_ops.avg_pool1d, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None, None)


def avg_pool2d(
    input: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The mean of each window of ``(N, C, H, W)`` or ``(C, H, W)``.

    Args:
        kernel_size, stride, padding, ceil_mode: as in :func:`max_pool2d`; padding is with zeros.
        count_include_pad: whether the padding counts in the mean.
        divisor_override: divide by this instead of the size of the window.
        out: where to write the result.

    Raises:
        RuntimeError: for shapes, sizes or paddings that make no window, or a divisor of zero.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.avg_pool2d(tallow.arange(16.0).reshape(1, 4, 4), 2).tolist()
    [[[2.5, 4.5], [10.5, 12.5]]]
    """
    return _average(
        _ops.avg_pool2d, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, out
    )


def avg_pool3d(
    input: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The mean of each window of ``(N, C, D, H, W)`` or ``(C, D, H, W)``; see :func:`avg_pool2d`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.avg_pool3d(tallow.arange(8.0).reshape(1, 2, 2, 2), 2).item()
    3.5
    """
    return _average(
        _ops.avg_pool3d, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, out
    )


def _average(
    pool: _Pool,
    input: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None,
    padding: _Ints,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    out: Tensor | None,
) -> Tensor:
    stride = kernel_size if stride is None else stride
    rest = {} if out is None else {"out": out}
    return pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, **rest)
