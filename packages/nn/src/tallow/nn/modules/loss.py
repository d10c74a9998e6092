"""Losses of one prediction and one target per element, and of classes."""

from __future__ import annotations

from typing import Any

from tallow import Tensor

from .. import functional as F
from .module import Module

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CTCLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "NLLLoss2d",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
]


class _Loss(Module):
    """A loss with a `reduction`: "mean" (the default), "sum" or "none"."""

    reduction: str

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


class L1Loss(_Loss):
    """The absolute difference of input and target, any equal shapes.

    Args:
        reduction: "mean", "sum" or "none".

    >>> import tallow
    >>> from tallow import nn
    >>> nn.L1Loss()(tallow.tensor([1.0, 2.0]), tallow.tensor([1.0, 4.0])).item()
    1.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


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


class SmoothL1Loss(_Loss):
    """``d**2 / (2 * beta)`` for differences d below `beta`, ``d - beta / 2`` beyond (Girshick, 2015).

    Args:
        reduction: "mean", "sum" or "none".
        beta: where the loss turns linear; 0 is :class:`L1Loss`. Default: 1.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.SmoothL1Loss(reduction="none")(tallow.tensor([1.0, 3.0]), tallow.zeros(2)).tolist()
    [0.5, 2.5]
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """``d**2 / 2`` for differences d below `delta`, ``delta * (d - delta / 2)`` beyond (Huber, 1964).

    Args:
        reduction: "mean", "sum" or "none".
        delta: where the loss turns linear, above 0. Default: 1.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.HuberLoss(reduction="none", delta=2.0)(tallow.tensor([1.0, 3.0]), tallow.zeros(2)).tolist()
    [0.5, 4.0]
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class NLLLoss(_WeightedLoss):
    """The negative log likelihood: ``-input[n, target[n]]``, with `weight` per class.

    Args:
        weight: one weight per class, shape ``(C,)``; "mean" divides by the sum of the targets' weights.
        ignore_index: targets of this value count nothing.
        reduction: "mean", "sum" or "none".

    Shapes: input ``(N, C)``, ``(C,)`` or ``(N, C, d1, ...)`` of log-probabilities; target the same without C, integer.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.NLLLoss()(tallow.tensor([[-1.0, -2.0]]), tallow.tensor([1])).item()
    2.0
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


class NLLLoss2d(NLLLoss):
    """:class:`NLLLoss` under the name that images once had."""


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


class BCELoss(_WeightedLoss):
    """The binary cross entropy of probabilities: ``-(t * log(x) + (1 - t) * log(1 - x))``, logarithms at least -100.

    Args:
        weight: a weight for each element of the batch, of a shape that broadcasts to it.
        reduction: "mean", "sum" or "none".

    Shapes: input and target the same; both between 0 and 1.

    Raises:
        ValueError: if the shapes differ.
        RuntimeError: if an input is not between 0 and 1.

    >>> import tallow
    >>> from tallow import nn
    >>> round(nn.BCELoss()(tallow.tensor([0.5]), tallow.tensor([1.0])).item(), 4)
    0.6931
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """:class:`BCELoss` of ``sigmoid(input)``, exact where the sigmoid itself would round to 0 or 1.

    Args:
        weight: a weight for each element of the batch, of a shape that broadcasts to it.
        reduction: "mean", "sum" or "none".
        pos_weight: what a positive target counts, of a shape that broadcasts to the target's.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.BCEWithLogitsLoss()(tallow.tensor([-200.0]), tallow.tensor([1.0])).item()
    200.0
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class KLDivLoss(_Loss):
    """The divergence ``target * (log(target) - input)`` of log-probabilities from probabilities (Kullback, 1951).

    Args:
        reduction: "batchmean" (the mathematical mean), "mean", "sum" or "none".
        log_target: whether the target is logarithms too. Default: False.

    >>> import tallow
    >>> from tallow import nn
    >>> p = tallow.tensor([[0.5, 0.5]])
    >>> nn.KLDivLoss(reduction="batchmean")(p.log(), p).item()
    0.0
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(_Loss):
    """The negative log likelihood of counts under Poisson distributions: ``exp(input) - target * input``.

    Args:
        log_input: whether the input is the rate's logarithm. Default: True.
        full: add Stirling's approximation of ``log(target!)`` where the target is above 1. Default: False.
        eps: added to the rate under the logarithm when `log_input` is False.
        reduction: "mean", "sum" or "none".

    >>> import tallow
    >>> from tallow import nn
    >>> nn.PoissonNLLLoss()(tallow.zeros(2), tallow.ones(2)).item()
    1.0
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(_Loss):
    """The negative log likelihood under normal distributions: ``(log(var) + (input - target)**2 / var) / 2``.

    Args:
        full: add the constant ``log(2 pi) / 2``. Default: False.
        eps: what a variance counts at least, without stopping its gradient. Default: 1e-6.
        reduction: "mean", "sum" or "none".

    Shapes: input (the expectation) and target the same; var the same, or without or with size 1 in the last dimension.

    Raises:
        ValueError: if a variance is negative, or of another shape.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.GaussianNLLLoss()(tallow.tensor([1.0]), tallow.tensor([3.0]), tallow.ones(1)).item()
    2.0
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class SoftMarginLoss(_Loss):
    """``log(1 + exp(-target * input))`` for targets of 1 and -1.

    Args:
        reduction: "mean", "sum" or "none".

    >>> import tallow
    >>> from tallow import nn
    >>> round(nn.SoftMarginLoss()(tallow.zeros(2), tallow.tensor([1.0, -1.0])).item(), 4)
    0.6931
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class CTCLoss(_Loss):
    """Connectionist temporal classification (Graves et al., 2006): labels without an alignment.

    Args:
        blank: the class that stands for "no label". Default: 0.
        reduction: "mean" (each loss divided by its target's length, then the mean), "sum" or "none".
        zero_infinity: losses of targets that do not fit their inputs, and their gradients, become 0.

    Shapes: log_probs ``(T, N, C)`` or ``(T, C)``, the result of ``log_softmax``; targets ``(N, S)``, or all labels one
    after the other ``(sum(target_lengths),)``; input_lengths and target_lengths ``(N,)``, tensors or tuples.

    The gradient is that of the scores before ``log_softmax``, as elsewhere.

    >>> import tallow
    >>> from tallow import nn
    >>> scores = tallow.zeros(4, 1, 3).log_softmax(2)
    >>> round(nn.CTCLoss()(scores, tallow.tensor([[1, 2]]), (4,), (2,)).item(), 4)
    0.8432
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
