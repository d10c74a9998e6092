"""Pooling to a given size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tallow import Tensor, ops

_ops = ops.nn
_Size = Any  # a number, or one per dimension; None keeps a size


def _sizes(input: Tensor, output_size: _Size, spatial: int, name: str) -> tuple[int, ...]:
    """`output_size` in full: one number stands for all dimensions, None for the input's size."""
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * spatial
    if input.dim() <= spatial and spatial > 1:
        raise ValueError(f"{name}(): Input dimension should be at least {spatial + 1}, but got {input.dim()}")
    if len(given) != spatial:
        raise RuntimeError(f"{name}(): output_size must be {spatial} numbers, but got {len(given)}")
    return tuple(input.shape[d - spatial] if s is None else s for d, s in enumerate(given))


def adaptive_avg_pool1d(input: Tensor, output_size: _Size) -> Tensor:
    """:func:`adaptive_avg_pool2d` of ``(N, C, L)`` or ``(C, L)``."""
    return _ops.adaptive_avg_pool1d(input, _sizes(input, output_size, 1, "adaptive_avg_pool1d"))


def adaptive_avg_pool2d(input: Tensor, output_size: _Size) -> Tensor:
    """Means over windows chosen so that the result of ``(N, C, H, W)`` or ``(C, H, W)`` has `output_size`.

    Output i of n covers the cells from ``i * in // n`` up to ``ceil((i + 1) * in / n)``.

    Args:
        output_size: a number, or (height, width); None keeps the input's size.

    Raises:
        ValueError: for an input of too few dimensions.
        RuntimeError: for sizes that do not fit.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.adaptive_avg_pool2d(tallow.arange(12.0).reshape(1, 3, 4), (1, 2)).tolist()
    [[[4.5, 6.5]]]
    """
    return _ops.adaptive_avg_pool2d(input, _sizes(input, output_size, 2, "adaptive_avg_pool2d"))


def adaptive_avg_pool3d(input: Tensor, output_size: _Size) -> Tensor:
    """:func:`adaptive_avg_pool2d` of ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""
    return _ops.adaptive_avg_pool3d(input, _sizes(input, output_size, 3, "adaptive_avg_pool3d"))


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: _Size, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool1d` that always returns the indices too."""
    return tuple(_ops.adaptive_max_pool1d(input, _sizes(input, output_size, 1, "adaptive_max_pool1d")))


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: _Size, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool2d` that always returns the indices too."""
    return tuple(_ops.adaptive_max_pool2d(input, _sizes(input, output_size, 2, "adaptive_max_pool2d")))


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: _Size, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool3d` that always returns the indices too."""
    return tuple(_ops.adaptive_max_pool3d(input, _sizes(input, output_size, 3, "adaptive_max_pool3d")))


def _values_or_both(
    pool: Callable[..., tuple[Tensor, Tensor]], input: Tensor, output_size: _Size, return_indices: bool
) -> Any:
    both = pool(input, output_size)
    return both if return_indices else both[0]


def adaptive_max_pool1d(input: Tensor, output_size: _Size, return_indices: bool = False) -> Any:
    """:func:`adaptive_max_pool2d` of ``(N, C, L)`` or ``(C, L)``."""
    return _values_or_both(adaptive_max_pool1d_with_indices, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: _Size, return_indices: bool = False) -> Any:
    """The maxima of the windows of :func:`adaptive_avg_pool2d`.

    With `return_indices` also where they are, as flat positions in each plane.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.adaptive_max_pool2d(tallow.arange(12.0).reshape(1, 3, 4), (1, 2)).tolist()
    [[[9.0, 11.0]]]
    """
    return _values_or_both(adaptive_max_pool2d_with_indices, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: _Size, return_indices: bool = False) -> Any:
    """:func:`adaptive_max_pool2d` of ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""
    return _values_or_both(adaptive_max_pool3d_with_indices, input, output_size, return_indices)
