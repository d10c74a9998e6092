"""Convolutions and transposed convolutions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from tallow import Tensor, ops

from .pad import pad

_ops = ops.nn
_Ints = int | tuple[int, ...] | list[int]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: _Ints = 1,
    padding: str | _Ints = 0,
    dilation: _Ints = 1,
    groups: int = 1,
) -> Tensor:
    """One-dimensional cross-correlation: :func:`conv2d` of ``(N, C_in, L)`` or ``(C_in, L)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.conv1d(tallow.tensor([[1.0, 2.0, 4.0]]), tallow.tensor([[[-1.0, 1.0]]])).tolist()
    [[1.0, 2.0]]
    """
    return _conv(_ops.conv1d, 1, input, weight, bias, stride, padding, dilation, groups)


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
        stride, dilation: one number or one per dimension.
        padding: sizes, or "valid" (none), or "same" (the result has the input's size; stride 1 only).
        groups: into how many groups, convolved apart, the channels are cut.

    The result is channels-last in memory where the input or the weight is. Integers are summed exactly, complex numbers
    by their parts.

    Raises:
        RuntimeError: for shapes or dtypes that do not fit, an unknown padding string, or "same" with a stride.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.conv2d(tallow.ones(1, 3, 3), tallow.ones(1, 1, 3, 3), padding="same").tolist()
    [[[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]]
    """
    return _conv(_ops.conv2d, 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: _Ints = 1,
    padding: str | _Ints = 0,
    dilation: _Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Three-dimensional cross-correlation: :func:`conv2d` of ``(N, C_in, D, H, W)`` or ``(C_in, D, H, W)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.conv3d(tallow.ones(1, 2, 2, 2), tallow.ones(1, 1, 2, 2, 2)).item()
    8.0
    """
    return _conv(_ops.conv3d, 3, input, weight, bias, stride, padding, dilation, groups)


def _conv(
    op: Callable[..., Tensor],
    spatial: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: _Ints,
    padding: str | _Ints,
    dilation: _Ints,
    groups: int,
) -> Tensor:
    if isinstance(padding, str):
        if padding == "same" and weight.dim() == spatial + 2 and groups > 0 and weight.size(0) >= groups:
            input, padding = _same(input, weight, _each(stride, spatial), _each(dilation, spatial))
        elif padding in ("same", "valid"):  # where "same" has no meaning the op says what is wrong
            padding = 0
        else:
            raise RuntimeError(f"Invalid padding string: '{padding}', expected 'same' or 'valid'")
    return op(input, weight, bias, stride, padding, dilation, groups)


def _each(value: _Ints, spatial: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * spatial if len(values) == 1 else values


def _same(
    input: Tensor, weight: Tensor, stride: Sequence[int], dilation: Sequence[int]
) -> tuple[Tensor, tuple[int, ...]]:
    """The input and the symmetric padding that "same" stands for; an odd cell is added at the far side."""
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    if any(t % 2 for t in total):
        warnings.warn(
            "Using padding='same' with even kernel lengths and odd dilation makes a zero-padded copy of the input",
            stacklevel=4,
        )
        input = pad(input, [n for t in reversed(total) for n in (0, t % 2)])
    return input, tuple(t // 2 for t in total)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: _Ints = 1,
    padding: _Ints = 0,
    output_padding: _Ints = 0,
    groups: int = 1,
    dilation: _Ints = 1,
) -> Tensor:
    """:func:`conv_transpose2d` of ``(N, C_in, L)`` or ``(C_in, L)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.conv_transpose1d(tallow.tensor([[1.0, 2.0]]), tallow.ones(1, 1, 2), stride=2).tolist()
    [[1.0, 1.0, 2.0, 2.0]]
    """
    return _ops.conv_transpose1d(input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: _Ints = 1,
    padding: _Ints = 0,
    output_padding: _Ints = 0,
    groups: int = 1,
    dilation: _Ints = 1,
) -> Tensor:
    """The transposed convolution: the gradient of :func:`conv2d` with respect to its input, as a function.

    Args:
        input: ``(N, C_in, H, W)`` or ``(C_in, H, W)``.
        weight: ``(C_in, C_out/groups, kH, kW)``.
        bias: ``(C_out,)``.
        stride, padding, dilation: of the convolution that it is the gradient of.
        output_padding: how much larger the result is at the far side; less than stride or dilation.

    The size of the result is ``(in - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1``.

    Raises:
        RuntimeError: for shapes or dtypes that do not fit.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> tuple(F.conv_transpose2d(tallow.ones(1, 4, 8, 8), tallow.ones(4, 2, 3, 3), stride=2, output_padding=1).shape)
    (1, 2, 18, 18)
    """
    return _ops.conv_transpose2d(input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: _Ints = 1,
    padding: _Ints = 0,
    output_padding: _Ints = 0,
    groups: int = 1,
    dilation: _Ints = 1,
) -> Tensor:
    """:func:`conv_transpose2d` of ``(N, C_in, D, H, W)`` or ``(C_in, D, H, W)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> tuple(F.conv_transpose3d(tallow.ones(1, 2, 2, 2), tallow.ones(1, 3, 2, 2, 2)).shape)
    (3, 3, 3, 3)
    """
    return _ops.conv_transpose3d(input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """:func:`conv1d` of a sequence ``(time, batch, C_in)`` with a weight ``(kernel, C_in, C_out)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> tuple(F.conv_tbc(tallow.ones(5, 2, 3), tallow.ones(3, 3, 4), tallow.zeros(4), 1).shape)
    (5, 2, 4)
    """
    if input.dim() != 3:
        raise RuntimeError(f"Input must have 3 dims: time, batch, in_channel, but got {list(input.shape)}")
    if weight.dim() != 3:
        raise RuntimeError(
            f"Weight tensor must have 3 dims: kernel_width, in_channels, out_channels, but got {list(weight.shape)}"
        )
    result: Any = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return result.permute(2, 0, 1)
