"""Pooling by powers, over random windows, and back again; composed of other ops."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import tallow
from tallow import Tensor
from tallow.amp._rules import runs_in_float32

from ._per_dimension import SHAPES, named
from .pooling import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d

_Ints = int | tuple[int, ...] | list[int]
_Ratio = float | tuple[float, ...] | list[float]


def _each(value: Any, spatial: int) -> tuple[Any, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    return values * spatial if len(values) == 1 else values


# ---------------------------------------------------------------- powers
def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: int, stride: _Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """:func:`lp_pool2d` of ``(N, C, L)`` or ``(C, L)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.lp_pool1d(tallow.tensor([[3.0, 4.0, 0.0, 1.0]]), 2, 2).tolist()
    [[5.0, 1.0]]
    """
    return _power_average(avg_pool1d, max_pool1d, 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: _Ints, stride: _Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-th root of the sum of p-th powers of each window of ``(N, C, H, W)`` or ``(C, H, W)``.

    `norm_type` is p: infinity gives the largest magnitude, minus infinity the smallest.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.lp_pool2d(tallow.tensor([[[3.0, 0.0], [0.0, 4.0]]]), 2, 2).item()
    5.0
    """
    return _power_average(avg_pool2d, max_pool2d, 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: _Ints, stride: _Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """:func:`lp_pool2d` of ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.lp_pool3d(tallow.ones(1, 2, 2, 2), 1, 2).item()
    8.0
    """
    return _power_average(avg_pool3d, max_pool3d, 3, input, norm_type, kernel_size, stride, ceil_mode)


def _power_average(
    average: Callable[..., Tensor],
    maximum: Callable[..., Tensor],
    spatial: int,
    input: Tensor,
    norm_type: float,
    kernel_size: _Ints,
    stride: _Ints | None,
    ceil_mode: bool,
) -> Tensor:
    if norm_type == math.inf:
        return maximum(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    if norm_type == -math.inf:
        return -maximum(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    mean = average(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    # Odd powers of negative numbers may sum up to less than nothing, which has no root.
    return (mean.sign() * mean.abs().relu()).mul(math.prod(_each(kernel_size, spatial))).pow(1.0 / norm_type)


# ---------------------------------------------------------------- unpooling
_UNPOOL_DOC = """What :func:`max_pool{dims}d` of these arguments pooled, where it was; zeros elsewhere.

    Args:
        input, indices: the two results of a pooling of {shapes} with indices.
        kernel_size, stride, padding: as given to that pooling.
        output_size: of the result, where several sizes would have been pooled to the input's.

    Raises:
        ValueError: for an output_size that the pooling cannot have had.
        RuntimeError: for shapes that do not fit, or indices outside the result.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> pooled = F.max_pool{dims}d(tallow.arange({cells}.0).reshape(1, {sizes}), 2, return_indices=True)
    >>> F.max_unpool{dims}d(*pooled, 2).flatten().tolist()[-2:]
    [0.0, {last}]
    """
_UNPOOL_EXAMPLES = {
    1: {"cells": 4, "sizes": "4", "last": "3.0"},
    2: {"cells": 4, "sizes": "2, 2", "last": "3.0"},
    3: {"cells": 8, "sizes": "2, 2, 2", "last": "7.0"},
}


def _max_unpool(dims: int) -> Callable[..., Tensor]:
    def unpool(
        input: Tensor,
        indices: Tensor,
        kernel_size: _Ints,
        stride: _Ints | None = None,
        padding: _Ints = 0,
        output_size: Sequence[int] | None = None,
    ) -> Tensor:
        return _unpool(dims, input, indices, kernel_size, stride, padding, output_size)

    doc = _UNPOOL_DOC.format(dims=dims, shapes=SHAPES[dims], **_UNPOOL_EXAMPLES[dims])
    return named(unpool, f"max_unpool{dims}d", doc)


max_unpool1d, max_unpool2d, max_unpool3d = _max_unpool(1), _max_unpool(2), _max_unpool(3)


@runs_in_float32
def _unpool(
    spatial: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: _Ints,
    stride: _Ints | None,
    padding: _Ints,
    output_size: Sequence[int] | None,
) -> Tensor:
    name = f"max_unpool{spatial}d"
    if input.dim() not in (spatial + 1, spatial + 2):
        raise RuntimeError(
            f"{name}(): Input should be a {spatial + 1}d or {spatial + 2}d Tensor, but got {list(input.shape)}"
        )
    kernel = _each(kernel_size, spatial)
    steps = kernel if stride is None else _each(stride, spatial)
    size = _unpooled_size(input, kernel, steps, _each(padding, spatial), output_size)
    if indices.dtype != tallow.int64:
        raise RuntimeError(f"{name}(): elements in indices should be type int64 but got: {indices.dtype}")
    if indices.shape != input.shape:
        raise RuntimeError(
            f"{name}(): Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got "
            f"indices tensor with shape: {list(indices.shape)}"
        )
    outer, cells = input.shape[: input.dim() - spatial], math.prod(size)
    if indices.numel() and not (0 <= int(indices.min()) and int(indices.max()) < cells):
        raise RuntimeError(f"{name}(): Found an invalid max index, the result has {cells} cells ({size})")
    flat = input.new_zeros([*outer, cells]).scatter(-1, indices.flatten(-spatial), input.flatten(-spatial))
    return flat.reshape([*outer, *size])


def _unpooled_size(
    input: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    output_size: Sequence[int] | None,
) -> list[int]:
    spatial = len(kernel)
    default = [
        (n - 1) * s + k - 2 * p for n, k, s, p in zip(input.shape[-spatial:], kernel, stride, padding, strict=True)
    ]
    if output_size is None:
        size = default
    else:
        size = list(output_size)
        if len(size) == spatial + 2:
            size = size[2:]
        if len(size) != spatial:
            raise ValueError(
                f"output_size should be a sequence containing {spatial} or {spatial + 2} elements, but it has a "
                f"length of '{len(size)}'"
            )
        for d, (wanted, middle, step) in enumerate(zip(size, default, stride, strict=True)):
            if not middle - step < wanted < middle + step:
                raise ValueError(
                    f'invalid output_size "{size}" (dim {d} must be between {middle - step} and {middle + step})'
                )
    for d, wanted in enumerate(size):
        if wanted < 0:
            raise ValueError(
                f"max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{d}]={wanted}"
            )
    return size


# ---------------------------------------------------------------- random windows
_FRACTIONAL_DOC = """Maxima of windows at random, roughly even distances (B. Graham, Fractional Max-Pooling, 2014).

    Args:
        input: {shapes}.
        kernel_size: of each window.
        output_size: of the result; or `output_ratio`, its size as fractions of the input's.
        return_indices: also return where the maxima are, as flat positions in each sample's channel.
        _random_samples: ``(N, C, {dims})`` numbers in [0, 1) to place the windows by. Default: drawn.

    Raises:
        ValueError: if neither output_size nor output_ratio is given.
        RuntimeError: if windows of that size do not fit.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> tuple(F.fractional_max_pool{dims}d(tallow.rand(1, 3, {sizes}), 2, output_ratio=0.7).shape)
    (1, 3, {result})
    """


def _fractional_max_pool(dims: int, always_indices: bool) -> Callable[..., Any]:
    name = f"fractional_max_pool{dims}d"

    def pool(
        input: Tensor,
        kernel_size: _Ints,
        output_size: _Ints | None = None,
        output_ratio: _Ratio | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> Any:
        both = _fractional(dims, input, kernel_size, output_size, output_ratio, _random_samples)
        return both if return_indices or always_indices else both[0]

    if always_indices:
        return named(pool, f"{name}_with_indices", f":func:`{name}` that always returns the indices too.")
    sizes, result = ", ".join(["10"] * dims), ", ".join(["7"] * dims)
    doc = _FRACTIONAL_DOC.format(dims=dims, shapes=SHAPES[dims], sizes=sizes, result=result)
    return named(pool, name, doc)


fractional_max_pool2d, fractional_max_pool2d_with_indices = (_fractional_max_pool(2, a) for a in (False, True))
fractional_max_pool3d, fractional_max_pool3d_with_indices = (_fractional_max_pool(3, a) for a in (False, True))


@runs_in_float32
def _fractional(
    spatial: int,
    input: Tensor,
    kernel_size: _Ints,
    output_size: _Ints | None,
    output_ratio: _Ratio | None,
    samples: Tensor | None,
) -> tuple[Tensor, Tensor]:
    name = f"fractional_max_pool{spatial}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if input.dim() not in (spatial + 1, spatial + 2):
        raise RuntimeError(f"{name}(): Expected {spatial + 1}D or {spatial + 2}D tensor, but got: {list(input.shape)}")
    extents = input.shape[-spatial:]
    if output_size is None:
        size = [int(n * r) for n, r in zip(extents, _each(output_ratio, spatial), strict=True)]
    else:
        size = list(_each(output_size, spatial))
    kernel = _each(kernel_size, spatial)
    for d, (n, k, out) in enumerate(zip(extents, kernel, size, strict=True)):
        if out + k - 1 > n or k < 1 or out < 1:
            raise RuntimeError(f"{name}(): {out} windows of {k} do not fit into {n} cells of spatial dimension {d}")
    batched = input if input.dim() == spatial + 2 else input.unsqueeze(0)
    if samples is None:
        samples = tallow.rand(*batched.shape[:2], spatial, dtype=input.dtype, device=input.device)
    if input.dim() == spatial + 1:
        samples = samples[:1]
    if samples.shape != (*batched.shape[:2], spatial):
        raise RuntimeError(
            f"{name}(): expected _random_samples of shape {[*batched.shape[:2], spatial]}, got {list(samples.shape)}"
        )
    # In two dimensions the first sample places the columns, in three the depth.
    order = (1, 0) if spatial == 2 else (0, 1, 2)
    cells = _window_cells(batched, samples.detach(), order, kernel, size)
    windows = batched.flatten(2).gather(2, cells.flatten(2)).reshape(cells.shape)
    values, chosen = windows.max(-1)
    indices = cells.gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
    return (values, indices) if input.dim() == spatial + 2 else (values.squeeze(0), indices.squeeze(0))


def _window_cells(
    input: Tensor, samples: Tensor, order: Sequence[int], kernel: Sequence[int], size: Sequence[int]
) -> Tensor:
    """Flat positions of all cells of all windows: (N, C, *size, cells of a window)."""
    spatial = len(kernel)
    cells: Any = 0
    for d in range(spatial):
        starts = _window_starts(samples[:, :, order[d], None], input.size(2 + d), kernel[d], size[d])
        along = starts.unsqueeze(-1) + tallow.arange(kernel[d], device=input.device)
        shape = [*input.shape[:2], *([1] * (2 * spatial))]
        shape[2 + d], shape[2 + spatial + d] = size[d], kernel[d]
        cells = cells * input.size(2 + d) + along.reshape(shape)
    return cells.expand([*input.shape[:2], *size, *kernel]).flatten(2 + spatial)


def _window_starts(sample: Tensor, extent: int, kernel: int, size: int) -> Tensor:
    last = tallow.full([*sample.shape[:2], 1], extent - kernel, dtype=tallow.int64, device=sample.device)
    if size == 1:
        return last
    step = (extent - kernel) / (size - 1)
    steps = tallow.arange(size - 1, device=sample.device)
    starts = ((steps + sample) * step).to(tallow.int64) - (sample * step).to(tallow.int64)
    return tallow.cat([starts, last], 2)
