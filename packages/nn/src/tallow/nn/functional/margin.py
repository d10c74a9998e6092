"""Losses that ask for a margin."""

from __future__ import annotations

from collections.abc import Callable

import tallow
from tallow import Tensor, ops

from ._reduction import reduction_code, resolved_code
from .distance import pairwise_distance
from .loss import _reduced

_ops = ops.nn


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, -target * (input1 - input2) + margin)``. See :class:`~tallow.nn.MarginRankingLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.margin_ranking_loss(tallow.tensor([1.0]), tallow.tensor([3.0]), tallow.tensor([1.0])).item()
    2.0
    """
    code = resolved_code(size_average, reduce, reduction)
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return _ops.margin_ranking_loss(input1, input2, target, margin, code)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The distance for targets of 1, what it lacks to `margin` for -1. See :class:`~tallow.nn.HingeEmbeddingLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.hinge_embedding_loss(tallow.tensor([0.25, 0.25]), tallow.tensor([1, -1])).item()
    0.5
    """
    return _ops.hinge_embedding_loss(input, target, margin, resolved_code(size_average, reduce, reduction))


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """How far the cosine is from the target of 1 or -1. See :class:`~tallow.nn.CosineEmbeddingLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.cosine_embedding_loss(tallow.tensor([[1.0, 0.0]]), tallow.tensor([[0.0, 1.0]]), tallow.tensor([1])).item()
    1.0
    """
    code = resolved_code(size_average, reduce, reduction)
    return _ops.cosine_embedding_loss(input1, input2, target, margin, code)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """What each wrong class lacks to a margin below the right one. See :class:`~tallow.nn.MultiMarginLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.multi_margin_loss(tallow.tensor([[0.5, 2.0]]), tallow.tensor([0])).item()
    1.25
    """
    code = resolved_code(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    return _ops.multi_margin_loss(input, target, p, margin, weight, code)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The margin of every right class over every wrong one. See :class:`~tallow.nn.MultiLabelMarginLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.multilabel_margin_loss(tallow.tensor([[0.5, 2.0]]), tallow.tensor([[0, -1]])).item()
    1.25
    """
    return _ops.multilabel_margin_loss(input, target, resolved_code(size_average, reduce, reduction))


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The binary cross entropy of each class, averaged. See :class:`~tallow.nn.MultiLabelSoftMarginLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.multilabel_soft_margin_loss(tallow.zeros(1, 2), tallow.tensor([[0.0, 1.0]]))
    tensor(0.6931)
    """
    code = resolved_code(size_average, reduce, reduction)
    loss = _ops.binary_cross_entropy_with_logits(input, target, weight, None, 0)
    loss = loss.sum(dim=-1) / input.size(-1)
    return loss if code == 0 else loss.mean() if code == 1 else loss.sum()


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, |anchor - positive| - |anchor - negative| + margin)``. See :class:`~tallow.nn.TripletMarginLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.triplet_margin_loss(tallow.zeros(1, 2), tallow.tensor([[3.0, 0.0]]), tallow.tensor([[0.0, 2.0]]))
    tensor(2.)
    """
    code = resolved_code(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return _ops.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, code)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """As :func:`triplet_margin_loss` with any distance. See :class:`~tallow.nn.TripletMarginWithDistanceLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> positive, negative = tallow.tensor([[3.0, 0.0]]), tallow.tensor([[0.0, 2.0]])
    >>> F.triplet_margin_with_distance_loss(tallow.zeros(1, 2), positive, negative)
    tensor(2.)
    """
    reduction_code(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.dim()}D, positive {positive.dim()}D, and negative {negative.dim()}D inputs"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = tallow.minimum(far, distance(positive, negative))
    return _reduced((margin + near - far).clamp(min=0), reduction)
