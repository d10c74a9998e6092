"""Losses of one prediction and one target per element, and of classes."""

from __future__ import annotations

import math
import warnings
from typing import Any

import tallow
from tallow import Tensor, ops

from ._reduction import legacy_reduction, reduction_code, resolved_code

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

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.cross_entropy(tallow.zeros(1, 4), tallow.tensor([2]))
    tensor(1.3863)
    """
    code = resolved_code(size_average, reduce, reduction)
    return _ops.cross_entropy_loss(input, target, weight, code, ignore_index, label_smoothing)


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

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.nll_loss(tallow.tensor([[-0.5, -2.0]]), tallow.tensor([1])).item()
    2.0
    """
    return _ops.nll_loss(input, target, weight, resolved_code(size_average, reduce, reduction), ignore_index)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``-(target * log(input) + (1 - target) * log(1 - input))`` of probabilities.

    See :class:`~tallow.nn.BCELoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.binary_cross_entropy(tallow.tensor([0.5]), tallow.tensor([1.0]))
    tensor(0.6931)
    """
    code = resolved_code(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    if weight is not None:
        weight = weight.expand(tallow.broadcast_shapes(target.shape, weight.shape))
    return _ops.binary_cross_entropy(input, target, weight, code)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """The binary cross entropy of ``sigmoid(input)``, without its overflow.

    See :class:`~tallow.nn.BCEWithLogitsLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.binary_cross_entropy_with_logits(tallow.zeros(2), tallow.tensor([0.0, 1.0]))
    tensor(0.6931)
    """
    code = resolved_code(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    return _ops.binary_cross_entropy_with_logits(input, target, weight, pos_weight, code)


def _warn_of_broadcast(input: Tensor, target: Tensor, stacklevel: int = 3) -> None:
    """Shapes that differ are broadcast, which is nearly always a mistake."""
    if target.shape != input.shape:
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=stacklevel,
        )


def _weighted(loss: Tensor, weight: Tensor, input: Tensor, reduction: str, by_weight: bool = True) -> Tensor:
    """Elements times `weight`, reduced; `by_weight`: the mean divides by the weights' sum."""
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")
    weighted = loss * weight
    if reduction == "none":
        return weighted
    if reduction == "sum":
        return weighted.sum()
    return weighted.sum() / weight.sum() if by_weight else weighted.mean()


def _of_difference(
    op: Any,
    input: Tensor,
    target: Tensor,
    size_average: bool | None,
    reduce: bool | None,
    reduction: str,
    weight: Tensor | None,
) -> Tensor:
    _warn_of_broadcast(input, target, stacklevel=4)
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction)
    if weight is not None:
        return _weighted(op(input, target, 0), weight, input, reduction)
    return op(input, target, reduction_code(reduction))


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The squared difference, reduced; with `weight` the mean is weighted. See :class:`~tallow.nn.MSELoss`.

    Shapes that differ are broadcast, with a warning.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.mse_loss(tallow.tensor([1.0, 3.0]), tallow.tensor([0.0, 0.0])).item()
    5.0
    """
    return _of_difference(_ops.mse_loss, input, target, size_average, reduce, reduction, weight)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The absolute difference, reduced; with `weight` the mean is weighted. See :class:`~tallow.nn.L1Loss`.

    Shapes that differ are broadcast, with a warning.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.l1_loss(tallow.tensor([1.0, 3.0]), tallow.tensor([0.0, 0.0])).item()
    2.0
    """
    return _of_difference(_ops.l1_loss, input, target, size_average, reduce, reduction, weight)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Quadratic for differences below `beta`, linear beyond. See :class:`~tallow.nn.SmoothL1Loss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.smooth_l1_loss(tallow.tensor([1.0, 3.0]), tallow.tensor([0.0, 0.0])).item()
    1.5
    """
    _warn_of_broadcast(input, target)
    return _ops.smooth_l1_loss(input, target, resolved_code(size_average, reduce, reduction), beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """`delta` times :func:`smooth_l1_loss` of ``beta=delta``. See :class:`~tallow.nn.HuberLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.huber_loss(tallow.tensor([1.0, 3.0]), tallow.tensor([0.0, 0.0]), delta=2.0).item()
    2.25
    """
    _warn_of_broadcast(input, target)
    if weight is not None:
        return _weighted(_ops.huber_loss(input, target, 0, delta), weight, input, reduction, by_weight=False)
    return _ops.huber_loss(input, target, reduction_code(reduction), delta)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """The Kullback-Leibler divergence of log-probabilities `input` from `target`. See :class:`~tallow.nn.KLDivLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> p, q = tallow.tensor([0.5, 0.5]), tallow.tensor([0.25, 0.75])
    >>> F.kl_div(q.log(), p, reduction="sum")
    tensor(0.1438)
    """
    if size_average is not None or reduce is not None:
        code = resolved_code(size_average, reduce, reduction)
    elif reduction == "batchmean":
        code = reduction_code("sum")
    else:
        code = reduction_code(reduction)
        if reduction == "mean":
            warnings.warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support size."
                "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
                "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
                stacklevel=2,
            )
    loss = _ops.kl_div(input, target, code, log_target)
    return loss / input.size(0) if reduction == "batchmean" and input.dim() else loss


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log likelihood of counts `target` under Poisson rates. See :class:`~tallow.nn.PoissonNLLLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.poisson_nll_loss(tallow.zeros(1), tallow.ones(1)).item()
    1.0
    """
    return _ops.poisson_nll_loss(input, target, log_input, full, eps, resolved_code(size_average, reduce, reduction))


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """The negative log likelihood under normal distributions. See :class:`~tallow.nn.GaussianNLLLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.gaussian_nll_loss(tallow.zeros(1), tallow.tensor([2.0]), tallow.ones(1)).item()
    2.0
    """
    if not isinstance(var, Tensor):
        variance = tallow.full_like(input, float(var))
    else:
        variance = var
    if bool((variance < 0).any()):
        raise ValueError("var has negative entry/entries")
    if variance.shape != input.shape:
        if variance.shape == input.shape[:-1]:
            variance = variance.unsqueeze(-1)
        elif variance.dim() != input.dim() or _differing_to_one(input, variance) is None:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    variance = variance.clone()
    with tallow.no_grad():  # the bound does not stop the gradient
        variance.clamp_(min=eps)
    loss = 0.5 * (variance.log() + (input - target) ** 2 / variance)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return _reduced(loss, reduction)


def _differing_to_one(input: Tensor, var: Tensor) -> int | None:
    """The one dimension in which `var` has size 1 and `input` has not; None if there is not exactly one."""
    differing = [i for i, (n, m) in enumerate(zip(input.shape, var.shape, strict=True)) if n != m]
    return differing[0] if len(differing) == 1 and var.shape[differing[0]] == 1 else None


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``log(1 + exp(-target * input))`` for targets of 1 and -1. See :class:`~tallow.nn.SoftMarginLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.soft_margin_loss(tallow.zeros(2), tallow.tensor([1.0, -1.0]))
    tensor(0.6931)
    """
    return _ops.soft_margin_loss(input, target, resolved_code(size_average, reduce, reduction))


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Connectionist temporal classification. See :class:`~tallow.nn.CTCLoss`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> log_probs = F.log_softmax(tallow.zeros(4, 1, 3), dim=-1)  # time, batch, classes
    >>> F.ctc_loss(log_probs, tallow.tensor([[1, 2]]), [4], [2])
    tensor(0.8432)
    """
    lengths = [_as_lengths(n) for n in (input_lengths, target_lengths)]
    return _ops.ctc_loss(log_probs, targets, *lengths, blank, reduction_code(reduction), zero_infinity)


def _as_lengths(lengths: Any) -> Any:
    if not isinstance(lengths, Tensor):
        return lengths
    if lengths.is_floating_point() or lengths.is_complex():
        raise RuntimeError("input_lengths and target_lengths must be integral")
    return lengths.reshape(-1).tolist()
