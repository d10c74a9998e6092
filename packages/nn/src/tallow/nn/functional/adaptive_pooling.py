"""Pooling to a given size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tallow import Tensor, ops

from ._per_dimension import SHAPES, named

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


_AVERAGE_DOC = """Means over windows chosen so that the result of {shapes} has `output_size`.

    Output i of n covers the cells from ``i * in // n`` up to ``ceil((i + 1) * in / n)``.

    Args:
        output_size: a number, or one per dimension; None keeps the input's size.

    Raises:
        ValueError: for an input of too few dimensions.
        RuntimeError: for sizes that do not fit.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.adaptive_avg_pool{dims}d(tallow.arange(12.0).reshape(1, {sizes}), {wanted}).flatten().tolist()
    {average}
    """
_MAX_DOC = """The maxima of the windows of :func:`adaptive_avg_pool{dims}d`.

    With `return_indices` also where they are, as flat positions in each sample's channel.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.adaptive_max_pool{dims}d(tallow.arange(12.0).reshape(1, {sizes}), {wanted}).flatten().tolist()
    {maximum}
    """
_EXAMPLES = {
    1: {"sizes": "12", "wanted": "2", "average": "[2.5, 8.5]", "maximum": "[5.0, 11.0]"},
    2: {"sizes": "3, 4", "wanted": "(1, 2)", "average": "[4.5, 6.5]", "maximum": "[9.0, 11.0]"},
    3: {"sizes": "1, 3, 4", "wanted": "(1, 1, 2)", "average": "[4.5, 6.5]", "maximum": "[9.0, 11.0]"},
}


def _average(dims: int) -> Callable[[Tensor, _Size], Tensor]:
    name = f"adaptive_avg_pool{dims}d"
    op = getattr(_ops, name)

    def pool(input: Tensor, output_size: _Size) -> Tensor:
        return op(input, _sizes(input, output_size, dims, name))

    return named(pool, name, _AVERAGE_DOC.format(dims=dims, shapes=SHAPES[dims], **_EXAMPLES[dims]))


def _maximum(dims: int, always_indices: bool) -> Callable[..., Any]:
    name = f"adaptive_max_pool{dims}d"
    op = getattr(_ops, name)

    def pool(input: Tensor, output_size: _Size, return_indices: bool = False) -> Any:
        values, indices = op(input, _sizes(input, output_size, dims, name))
        return (values, indices) if return_indices or always_indices else values

    if always_indices:
        return named(pool, f"{name}_with_indices", f":func:`{name}` that always returns the indices too.")
    return named(pool, name, _MAX_DOC.format(dims=dims, **_EXAMPLES[dims]))


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = _average(1), _average(2), _average(3)
adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _maximum(1, False), _maximum(1, True)
adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _maximum(2, False), _maximum(2, True)
adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _maximum(3, False), _maximum(3, True)
