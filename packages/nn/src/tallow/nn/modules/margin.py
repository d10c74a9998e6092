"""Losses that ask for a margin."""

from __future__ import annotations

from collections.abc import Callable

from tallow import Tensor

from .. import functional as F
from .distance import PairwiseDistance
from .loss import _Loss, _WeightedLoss

__all__ = [
    "CosineEmbeddingLoss",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class _MarginLoss(_Loss):
    """A loss with a `margin` and no other setting."""

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin


class MarginRankingLoss(_MarginLoss):
    """``max(0, -target * (input1 - input2) + margin)``: which of two should rank higher, target 1 or -1.

    Args:
        margin: by how much. Default: 0.
        reduction: "mean", "sum" or "none".

    >>> import tallow
    >>> from tallow import nn
    >>> nn.MarginRankingLoss()(tallow.tensor([1.0]), tallow.tensor([3.0]), tallow.tensor([1.0])).item()
    2.0
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(_MarginLoss):
    """The distance itself for targets of 1, and ``max(0, margin - distance)`` for -1.

    Args:
        margin: how far apart unlike pairs should be. Default: 1.
        reduction: "mean", "sum" or "none".

    >>> import tallow
    >>> from tallow import nn
    >>> nn.HingeEmbeddingLoss(reduction="sum")(tallow.tensor([0.25, 0.25]), tallow.tensor([1, -1])).item()
    1.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_MarginLoss):
    """``1 - cos(input1, input2)`` for targets of 1, and ``max(0, cos - margin)`` for -1.

    Args:
        margin: which cosine unlike pairs may have, -1 to 1. Default: 0.
        reduction: "mean", "sum" or "none".

    Shapes: inputs ``(N, D)`` or ``(D,)``; target ``(N,)`` or ``()``.

    >>> import tallow
    >>> from tallow import nn
    >>> round(nn.CosineEmbeddingLoss()(tallow.ones(1, 2), tallow.ones(1, 2), tallow.tensor([-1])).item(), 4)
    1.0
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """``max(0, 1 - (x[right] - x[wrong]))`` over all pairs of a right and a wrong class, divided by C.

    Args:
        reduction: "mean", "sum" or "none".

    Shapes: input ``(N, C)`` or ``(C,)``; target the same, int64: the right classes, then -1.

    >>> import tallow
    >>> from tallow import nn
    >>> x, y = tallow.tensor([0.0, 1.0, 2.0, 3.0]), tallow.tensor([3, 0, -1, 1])
    >>> nn.MultiLabelMarginLoss()(x, y).item()
    1.25
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """``max(0, margin - x[target] + x[i])**p`` over all wrong classes i, divided by C.

    Args:
        p: 1 or 2. Default: 1.
        margin: how far below the right class the others should be. Default: 1.
        weight: one weight per class, shape ``(C,)``.
        reduction: "mean", "sum" or "none".

    Shapes: input ``(N, C)`` or ``(C,)``; target ``(N,)`` or ``()``, int64.

    Raises:
        ValueError: if `p` is neither 1 nor 2, or `weight` is not one-dimensional.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.MultiMarginLoss()(tallow.tensor([[1.0, 0.0]]), tallow.tensor([1])).item()
    1.0
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.dim() != 1:
            raise ValueError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.dim()}D instead")
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction
        )


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """The binary cross entropy of every class's score, averaged over the classes.

    Args:
        weight: one weight per class, shape ``(C,)``.
        reduction: "mean", "sum" or "none".

    Shapes: input and target ``(N, C)``.

    >>> import tallow
    >>> from tallow import nn
    >>> round(nn.MultiLabelSoftMarginLoss()(tallow.zeros(1, 3), tallow.ones(1, 3)).item(), 4)
    0.6931
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """``max(0, |anchor - positive|_p - |anchor - negative|_p + margin)`` (Balntas et al., 2016).

    Args:
        margin: how much farther the negative should be, above 0. Default: 1.
        p: the order of the norm. Default: 2.
        eps: added to the differences. Default: 1e-6.
        swap: let the negative's distance be the smaller one of those to anchor and positive. Default: False.
        reduction: "mean", "sum" or "none".

    Shapes: all inputs ``(N, D)`` or ``(D,)``.

    Raises:
        ValueError: if `margin` is not above 0.

    >>> import tallow
    >>> from tallow import nn
    >>> round(nn.TripletMarginLoss()(tallow.zeros(1, 4), tallow.zeros(1, 4), tallow.zeros(1, 4)).item(), 4)
    1.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(_Loss):
    """:class:`TripletMarginLoss` with any distance.

    Args:
        distance_function: of two tensors; None for :class:`PairwiseDistance`.
        margin, swap, reduction: as there.

    >>> import tallow
    >>> from tallow import nn
    >>> loss = nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().amax(-1))
    >>> loss(tallow.zeros(1, 4), tallow.zeros(1, 4), tallow.ones(1, 4) / 2).item()
    0.5
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError(
                f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {margin} instead"
            )
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
