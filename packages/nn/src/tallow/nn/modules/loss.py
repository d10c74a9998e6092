"""Losses."""

from __future__ import annotations

from tallow import Tensor

from .. import functional as F
from .module import Module

__all__ = ["CrossEntropyLoss", "MSELoss", "NLLLoss"]


class _Loss(Module):
    """A loss with a `reduction`: "mean" (the default), "sum" or "none"."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = F.legacy_reduction(size_average, reduce, reduction)


class _WeightedLoss(_Loss):
    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """The squared difference of input and target, any equal shapes.

    Args:
        reduction: "mean", "sum" or "none".

    >>> import tallow
    >>> from tallow import nn
    >>> nn.MSELoss()(tallow.tensor([1.0, 2.0]), tallow.tensor([1.0, 4.0])).item()
    2.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class NLLLoss(_WeightedLoss):
    """The negative log likelihood: ``-input[n, target[n]]``, with `weight` per class.

    Args:
        weight: one weight per class, shape ``(C,)``; "mean" divides by the sum of the targets' weights.
        ignore_index: targets of this value count nothing.
        reduction: "mean", "sum" or "none".

    Shapes: input ``(N, C)``, ``(C,)`` or ``(N, C, d1, ...)`` of log-probabilities; target the same without C, integer.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(
            input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class CrossEntropyLoss(_WeightedLoss):
    """The cross entropy between logits and a target class, or class probabilities.

    Args:
        weight: one weight per class, shape ``(C,)``.
        ignore_index: class targets of this value count nothing.
        reduction: "mean", "sum" or "none".
        label_smoothing: between 0 and 1, how much of the target is spread evenly over all classes.

    Shapes: input ``(N, C)``, ``(C,)`` or ``(N, C, d1, ...)``; target the same without C (class indices, integer) or the
    same as input (probabilities, floating point).

    >>> import tallow
    >>> from tallow import nn
    >>> round(nn.CrossEntropyLoss()(tallow.zeros(2, 10), tallow.tensor([3, 7])).item(), 4)
    2.3026
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
