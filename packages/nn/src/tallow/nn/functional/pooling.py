"""Pooling over windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tallow import Tensor, ops

from ._per_dimension import SHAPES, named

_ops = ops.nn
_Ints = int | tuple[int, ...] | list[int]

_MAX_DOC = """The largest value of each window of {shapes}.

    Args:
        kernel_size, stride, dilation: one number or one per dimension; `stride` defaults to `kernel_size`.
        padding: cells of negative infinity on both sides, at most half of the kernel.
        ceil_mode: round the size of the result up: the last window may reach over the edge.
        return_indices: also return where the maxima are, as flat positions in each {place}.

    Raises:
        RuntimeError: for shapes, sizes or paddings that make no window.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.max_pool{dims}d(tallow.arange({cells}.0).reshape(1, {sizes}), 2).flatten().tolist()
    {result}
    """
_MAX_EXAMPLES = {
    1: {"place": "row", "cells": 4, "sizes": "4", "result": "[1.0, 3.0]"},
    2: {"place": "plane", "cells": 16, "sizes": "4, 4", "result": "[5.0, 7.0, 13.0, 15.0]"},
    3: {"place": "volume", "cells": 8, "sizes": "2, 2, 2", "result": "[7.0]"},
}


def _max_pool(dims: int, always_indices: bool) -> Callable[..., Any]:
    name = f"max_pool{dims}d"
    values, both = getattr(_ops, name), getattr(_ops, f"{name}_with_indices")

    def pool(
        input: Tensor,
        kernel_size: _Ints,
        stride: _Ints | None = None,
        padding: _Ints = 0,
        dilation: _Ints = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        op = both if return_indices or always_indices else values
        return op(input, kernel_size, kernel_size if stride is None else stride, padding, dilation, ceil_mode)

    if always_indices:
        return named(pool, f"{name}_with_indices", f":func:`{name}` that always returns the indices too.")
    return named(pool, name, _MAX_DOC.format(dims=dims, shapes=SHAPES[dims], **_MAX_EXAMPLES[dims]))


max_pool1d, max_pool1d_with_indices = _max_pool(1, False), _max_pool(1, True)
max_pool2d, max_pool2d_with_indices = _max_pool(2, False), _max_pool(2, True)
max_pool3d, max_pool3d_with_indices = _max_pool(3, False), _max_pool(3, True)


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
    return _ops.avg_pool1d(
        input, kernel_size, kernel_size if stride is None else stride, padding, ceil_mode, count_include_pad, None
    )


_AVERAGE_DOC = """The mean of each window of {shapes}.

    Args:
        kernel_size, stride, padding, ceil_mode: as in :func:`max_pool{dims}d`; padding is with zeros.
        count_include_pad: whether the padding counts in the mean.
        divisor_override: divide by this instead of the size of the window.
        out: where to write the result.

    Raises:
        RuntimeError: for shapes, sizes or paddings that make no window, or a divisor of zero.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.avg_pool{dims}d(tallow.arange({cells}.0).reshape(1, {sizes}), 2).flatten().tolist()
    {result}
    """
_AVERAGE_EXAMPLES = {
    2: {"cells": 16, "sizes": "4, 4", "result": "[2.5, 4.5, 10.5, 12.5]"},
    3: {"cells": 8, "sizes": "2, 2, 2", "result": "[3.5]"},
}


def _avg_pool(dims: int) -> Callable[..., Tensor]:
    name = f"avg_pool{dims}d"
    op = getattr(_ops, name)

    def pool(
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
        stride = kernel_size if stride is None else stride
        rest = {} if out is None else {"out": out}
        return op(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, **rest)

    return named(pool, name, _AVERAGE_DOC.format(dims=dims, shapes=SHAPES[dims], **_AVERAGE_EXAMPLES[dims]))


avg_pool2d, avg_pool3d = _avg_pool(2), _avg_pool(3)
