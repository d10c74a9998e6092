"""Convolutions."""

from __future__ import annotations

from tallow import Tensor, ops

from .pad import pad

_ops = ops.nn
_Ints = int | tuple[int, ...] | list[int]


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: _Ints = 1,
    padding: str | _Ints = 0,
    dilation: _Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Two-dimensional cross-correlation.

    Args:
        input: ``(N, C_in, H, W)`` or ``(C_in, H, W)``.
        weight: ``(C_out, C_in/groups, kH, kW)``.
        bias: ``(C_out,)``.
        padding: sizes, or "valid" (none), or "same" (the result has the input's size; stride 1 only).

    Raises:
        RuntimeError: for an unknown padding string, or "same" with a stride.
    """
    if isinstance(padding, str):
        input, padding = _padded(input, weight, padding, _pair(stride), _pair(dilation))
    return _ops.conv2d(input, weight, bias, stride, padding, dilation, groups)


def _pair(value: _Ints) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _padded(
    input: Tensor, weight: Tensor, padding: str, stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[Tensor, tuple[int, int]]:
    """The input and the symmetric padding that a padding string stands for; the odd cell goes to the far side."""
    if padding == "valid":
        return input, (0, 0)
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}', expected 'same' or 'valid'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [d * (k - 1) for d, k in zip(dilation, weight.shape[-2:], strict=True)]
    odd = [t % 2 for t in total]
    if any(odd):
        input = pad(input, [0, odd[1], 0, odd[0]])
    return input, (total[0] // 2, total[1] // 2)
