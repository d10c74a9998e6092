"""Pooling over windows."""

from __future__ import annotations

from typing import Any

from tallow import Tensor, ops

_ops = ops.nn
_Ints = int | tuple[int, ...] | list[int]


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

    `stride` defaults to `kernel_size`. With `return_indices` also where the maxima are, as flat positions in the plane.
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


def avg_pool2d(
    input: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of ``(N, C, H, W)`` or ``(C, H, W)``; `stride` defaults to `kernel_size`."""
    stride = kernel_size if stride is None else stride
    return _ops.avg_pool2d(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means over windows chosen so that the result is `output_size`: a number or (height, width); None keeps a size."""
    if output_size is None:
        return input
    if not isinstance(output_size, int):
        height, width = output_size
        output_size = (input.size(-2) if height is None else height, input.size(-1) if width is None else width)
    return _ops.adaptive_avg_pool2d(input, output_size)
