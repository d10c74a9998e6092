"""Affine and bilinear maps."""

from __future__ import annotations

from tallow import Tensor, ops

_ops = ops.nn


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias``: input ``(*, in)``, weight ``(out, in)`` or ``(in,)``, bias ``(out,)`` or ``()``.

    Raises:
        RuntimeError: if shapes or dtypes do not fit.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.linear(tallow.tensor([1.0, 2.0]), tallow.tensor([[1.0, 1.0], [0.0, 3.0]])).tolist()
    [3.0, 6.0]
    """
    return _ops.linear(input, weight, bias) if out is None else _ops.linear(input, weight, bias, out=out)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input1.T @ weight[k] @ input2 + bias[k]`` for every k.

    Args:
        input1, input2: ``(*, in1)`` and ``(*, in2)``, with the same leading dimensions.
        weight: ``(out, in1, in2)``.
        bias: ``(out,)``.

    Returns:
        ``(*, out)``.

    Raises:
        RuntimeError: if shapes do not fit.

    >>> import tallow
    >>> bilinear(tallow.tensor([1.0, 2.0]), tallow.tensor([3.0]), tallow.ones(4, 2, 1)).tolist()
    [9.0, 9.0, 9.0, 9.0]
    """
    leading = tuple(input1.shape[:-1])
    if input1.dim() == 0 or input1.dim() != input2.dim():
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {input1.dim()} and {input2.dim()}")
    if leading != tuple(input2.shape[:-1]):
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match: got {leading} and {tuple(input2.shape[:-1])}"
        )
    if weight.dim() != 3:
        raise RuntimeError(f"bilinear(): expected a weight of 3 dimensions, got shape {tuple(weight.shape)}")
    outputs, in1, in2 = weight.shape
    for name, t, size in (("input1", input1, in1), ("input2", input2, in2)):
        if t.size(-1) != size:
            raise RuntimeError(
                f"bilinear(): {name} size does not match weight size: got {t.size(-1)} but expected {size}"
            )
    if bias is not None and bias.size(0) != outputs:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.size(0)} but expected {outputs}"
        )
    rows = input1.numel() // in1 if in1 else input2.numel() // in2 if in2 else 0
    left = input1.reshape(rows, in1) @ weight.transpose(0, 1).reshape(in1, outputs * in2)
    result = (left.view(rows, outputs, in2) @ input2.reshape(rows, in2, 1)).reshape(*leading, outputs)
    return result if bias is None else result + bias
