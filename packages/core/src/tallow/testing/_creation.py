"""``make_tensor``: random values of any dtype for tests."""

from __future__ import annotations

import math
from typing import Any

_INTEGER_RANGES = {
    "uint8": (0, 2**8 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Any:
    """A tensor of random values drawn uniformly from ``[low, high)``.

    Args:
        shape: sizes, or one sequence of sizes.
        dtype: any dtype with random values: bool, integers, floats, complex.
        device: where.
        low, high: the range, by default [0, 2) for bool, [0, 10) for unsigned, [-9, 10) for signed integers and
            [-9, 9) for floats and the parts of complex numbers; cut to what the dtype can hold.
        requires_grad: for floating and complex dtypes.
        noncontiguous: every second element of a larger tensor. Excludes ``memory_format``.
        exclude_zero: replace zeros by 1, or by the smallest normal number.

    Example:
        >>> import tallow
        >>> from tallow.testing import make_tensor
        >>> make_tensor(2, 3, dtype=tallow.float32, device="cpu", low=0, high=1).shape
        tallow.Size([2, 3])
    """
    import tallow

    if len(shape) == 1 and not isinstance(shape[0], int):
        shape = tuple(shape[0])
    differentiable = dtype.is_floating_point or dtype.is_complex
    if requires_grad and not differentiable:
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got dtype={dtype}"
        )
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, "
            f"but got noncontiguous={noncontiguous} and memory_format={memory_format}"
        )
    bottom, top = _bounds(dtype, low, high)
    padded = noncontiguous and math.prod(shape) > 1
    drawn = (*shape[:-1], 2 * shape[-1]) if padded else shape
    if differentiable:
        result = tallow.empty(drawn, dtype=dtype, device=device)
        (tallow.view_as_real(result) if dtype.is_complex else result).uniform_(bottom, top)
    elif dtype == tallow.bool:
        result = tallow.randint(int(bottom), int(top), drawn, device=device).to(tallow.bool)
    else:
        result = tallow.randint(int(bottom), int(top), drawn, device=device, dtype=dtype)
    if padded:
        result = result[..., ::2]
    if memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = tallow.finfo(dtype).tiny if differentiable else 1
    return result.requires_grad_() if requires_grad else result


def _bounds(dtype: Any, low: float | None, high: float | None) -> tuple[float, float]:
    """The range to draw from: whole numbers for integers, finite and inside the dtype's own range."""
    import tallow

    name = str(dtype).rpartition(".")[2]
    if dtype.is_floating_point or dtype.is_complex:
        largest = tallow.finfo(dtype).max / 2  # the width of the range must be finite too
        default, limits = (-9, 9), (-largest, largest)
    elif name == "bool":
        default, limits = (0, 2), (0, 2)
    else:
        # randint draws int64 and excludes its upper end, so the very largest value of a dtype is one above the range.
        smallest, largest = _INTEGER_RANGES[name]
        default, limits = (0 if smallest == 0 else -9, 10), (smallest, min(largest + 1, 2**63 - 1))
    bottom: float = default[0] if low is None else low
    top: float = default[1] if high is None else high
    if math.isnan(bottom) or math.isnan(top):
        raise ValueError(f"`low` and `high` cannot be NaN, but got low={low} and high={high}")
    floating = dtype.is_floating_point or dtype.is_complex
    # An empty range of floats is one value; an empty range of integers has none.
    if bottom > top or (bottom == top and not floating):
        raise ValueError(f"`low` must be less than `high`, but got {bottom} >= {top}")
    bottom, top = min(max(bottom, limits[0]), limits[1]), min(max(top, limits[0]), limits[1])
    if not floating:
        bottom, top = math.ceil(bottom), math.ceil(top)
        if bottom >= top:
            raise ValueError(f"no value of dtype {dtype} lies in [{low}, {high})")
    return bottom, top
