"""A linear layer and its cross entropy in one call."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import tallow
from tallow import Tensor

from .linear import linear
from .loss import cross_entropy

if TYPE_CHECKING:
    from ..modules.linear_loss import LinearCrossEntropyOptions


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: LinearCrossEntropyOptions | None = None,
) -> Tensor:
    """The cross entropy of ``input @ linear_weight.T + linear_bias``.

    Args:
        input: ``(N, in_features)`` or ``(in_features,)``.
        linear_weight: ``(C, in_features)``, or ``(C, *out_features, in_features)`` for a loss per output feature.
        target: class indices ``(N, *out_features)``, or probabilities of the logits' shape.
        linear_bias: ``(C, *out_features)``.
        weight, reduction, ignore_index, label_smoothing: as in :func:`cross_entropy`.
        options: compute the logits for a part of the batch at a time, so that they never lie in memory at once.

    Raises:
        RuntimeError: if shapes do not fit, or `ignore_index` is given with probabilities.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.linear_cross_entropy(tallow.zeros(2, 3), tallow.zeros(4, 3), tallow.tensor([0, 3]))
    tensor(1.3863)
    """
    if not 1 <= input.dim() <= 2:
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if linear_weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}")
    in_features = input.shape[-1]
    if in_features != linear_weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{in_features} and {linear_weight.shape[-1]}, respectively"
        )
    classes, *out_features = linear_weight.shape[:-1]
    if linear_bias is not None and linear_bias.shape != linear_weight.shape[:-1]:
        raise RuntimeError(
            f"expected linear_bias shape {tuple(linear_weight.shape[:-1])}, got {tuple(linear_bias.shape)}"
        )
    if out_features and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched input, "
            f"(N, {in_features}), got unbatched input with shape {tuple(input.shape)}"
        )
    logits_shape = (*input.shape[:-1], classes, *out_features)
    if tuple(target.shape) == logits_shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    ignored = -100 if ignore_index is None else ignore_index
    if options is not None:
        if not out_features and label_smoothing == 0 and target.dtype == tallow.int64:
            rows = options.rows(input.shape[0] if input.dim() == 2 else 1, in_features, classes)
            return _by_chunks(input, linear_weight, target, linear_bias, reduction, weight, ignored, rows)
        warnings.warn(
            "linear_cross_entropy: `options` ignored: they need label_smoothing == 0, out_features == () and an int64 "
            f"target, got label_smoothing={label_smoothing}, out_features={tuple(out_features)}, "
            f"target.dtype={target.dtype}",
            stacklevel=2,
        )
    matrix = linear_weight.reshape(classes * math.prod(out_features), in_features)
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, matrix, bias).reshape(logits_shape)
    return cross_entropy(
        logits, target, weight, ignore_index=ignored, reduction=reduction, label_smoothing=label_smoothing
    )


def _by_chunks(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    linear_bias: Tensor | None,
    reduction: str,
    weight: Tensor | None,
    ignored: int,
    rows: int,
) -> Tensor:
    """`rows` of the batch at a time; the logits are computed again in the backward, so that none are kept."""
    if input.dim() == 1:
        loss = _by_chunks(
            input[None], linear_weight, target[None], linear_bias, reduction, weight, ignored, rows
        )
        return loss.squeeze(0) if reduction == "none" else loss
    parts = [
        _Chunk.apply(input[i : i + rows], linear_weight, linear_bias, target[i : i + rows], weight, ignored)
        for i in range(0, input.shape[0], rows)
    ]
    losses = tallow.cat(parts) if parts else input.new_empty(0)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction != "mean":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    counted = target != ignored
    if weight is None:
        return losses.sum() / counted.sum()
    return losses.sum() / weight[target.masked_fill(~counted, 0)].masked_fill(~counted, 0).sum()


class _Chunk(tallow.autograd.Function):
    """The losses of some rows; keeps what they are computed from instead of the logits."""

    @staticmethod
    def forward(ctx, input, linear_weight, linear_bias, target, weight, ignored):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(input, linear_weight, linear_bias, target, weight)
        ctx.ignored = ignored
        return _losses(input, linear_weight, linear_bias, target, weight, ignored)

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        *wanted, target, weight = ctx.saved_tensors
        with tallow.enable_grad():
            again: list[Any] = [None if t is None else t.detach().requires_grad_(t.requires_grad) for t in wanted]
            losses = _losses(again[0], again[1], again[2], target, weight, ctx.ignored)
        leaves = [t for t in again if t is not None and t.requires_grad]
        grads = iter(tallow.autograd.grad(losses, leaves, grad))
        return *(next(grads) if t is not None and t.requires_grad else None for t in again), None, None, None


def _losses(
    input: Tensor, linear_weight: Tensor, bias: Tensor | None, target: Tensor, weight: Tensor | None, ignored: int
) -> Tensor:
    logits = linear(input, linear_weight, bias)
    return cross_entropy(logits, target, weight, ignore_index=ignored, reduction="none")
