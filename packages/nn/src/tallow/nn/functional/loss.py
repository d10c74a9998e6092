"""Losses."""

from __future__ import annotations

import warnings

from tallow import Tensor, ops

from ._reduction import legacy_reduction, reduction_code

_ops = ops.nn


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The cross entropy between logits ``(N, C, ...)`` and class indices ``(N, ...)`` or probabilities ``(N, C, ...)``.

    See :class:`~tallow.nn.CrossEntropyLoss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction)
    return _ops.cross_entropy_loss(
        input, target, weight, reduction_code(reduction), ignore_index, label_smoothing
    )


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log likelihood of log-probabilities ``(N, C, ...)`` at class indices ``(N, ...)``.

    See :class:`~tallow.nn.NLLLoss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction)
    return _ops.nll_loss(input, target, weight, reduction_code(reduction), ignore_index)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The squared difference, reduced; with `weight` the mean is weighted.

    Shapes that differ are broadcast, with a warning: it is nearly always a mistake.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction)
    if target.shape != input.shape:
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=2,
        )
    code = reduction_code(reduction)
    if weight is None:
        return _ops.mse_loss(input, target, code)
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    squared = weight * (input - target) ** 2
    if reduction == "none":
        return squared
    return squared.sum() / weight.sum() if reduction == "mean" else squared.sum()
