"""A linear layer and its cross entropy in one module."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import tallow
from tallow import Tensor

from .. import functional as F
from .linear import Linear
from .loss import _WeightedLoss

__all__ = ["LinearCrossEntropyLoss", "LinearCrossEntropyOptions"]

_ACCUMULATION = (None, tallow.float16, tallow.bfloat16, tallow.float32, tallow.float64)


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """How :func:`~tallow.nn.functional.linear_cross_entropy` cuts the batch, so that not all logits exist at once.

    Args:
        allow_retain_graph: accepted; a second backward is always possible, since logits are computed again.
        batch_chunk_size: rows at a time; None for what `chunking_method` says.
        chunking_method: "auto", "aspect_ratio" (as many logits at a time as the input has elements),
            "aspect_ratio:N" (an Nth of that), or None for `batch_chunk_size`.
        acc_policy: "auto", "accurate", "balanced" or "compact"; sums are always taken in float32 at least.
        acc_dtype: as `acc_policy`.

    Raises:
        ValueError: for a setting that does not exist.

    >>> from tallow import nn
    >>> nn.LinearCrossEntropyOptions(batch_chunk_size=64).batch_chunk_size
    64
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        if self.acc_policy not in ("auto", "accurate", "balanced", "compact"):
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.chunking_method not in (None, "auto"):
            name, colon, factor = str(self.chunking_method).partition(":")
            if name != "aspect_ratio" or (colon and not (factor.isdigit() and int(factor) > 0)):
                raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size!r}")
        if self.acc_dtype not in _ACCUMULATION:
            raise ValueError(
                "acc_dtype must be one of {None, float16, bfloat16, float32, float64}, "
                f"got {self.acc_dtype!r}. Pass acc_dtype=None to let the op pick automatically."
            )

    def rows(self, batch: int, in_features: int, classes: int) -> int:
        """How many rows of the batch to take at a time."""
        size, method = self.batch_chunk_size, self.chunking_method
        if method == "auto" and size is None:
            method = "aspect_ratio:2"
        if method is None or method == "auto":
            return max(1, batch if size is None else min(size, batch))
        factor = int(method.partition(":")[2] or 1)
        share = -(-batch // max(1, -(-classes // max(1, in_features))))
        rows = min((1 << max(0, share - 1).bit_length()) // factor, batch)
        if size is not None and size != rows:
            raise ValueError(
                f"batch_chunk_size (={size}) and chunking_method ('{method}') give different chunk sizes "
                f"({size} vs {rows}); pass only one."
            )
        return max(1, rows)


class LinearCrossEntropyLoss(_WeightedLoss):
    """The cross entropy of a linear layer's outputs: the head of a classifier or language model.

    Args:
        in_features: size of each input sample.
        num_classes: the classes C.
        out_features: more dimensions of the target, each with a loss of its own. Default: ``()``.
        bias: whether the layer has one. Default: False.
        weight, reduction, ignore_index, label_smoothing: as in :class:`CrossEntropyLoss`.
        options: compute the logits in parts, see :class:`LinearCrossEntropyOptions`.

    Shapes: input ``(N, in_features)`` or ``(in_features,)``; target ``(N, *out_features)`` of classes, or
    ``(N, C, *out_features)`` of probabilities.

    Raises:
        RuntimeError: if `weight` is not of shape ``(C,)``, or `label_smoothing` not between 0 and 1.

    >>> import tallow
    >>> from tallow import nn
    >>> head = nn.LinearCrossEntropyLoss(16, 1000)
    >>> head(tallow.randn(4, 16), tallow.tensor([1, 2, 3, 4])).dim()
    0
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise RuntimeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        super().__init__(weight, reduction=reduction)
        self.num_classes = num_classes
        self.out_features = out_features
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        rows = math.prod(out_features, start=num_classes)
        self.linear = Linear(in_features, rows, bias=bias, device=device, dtype=dtype)
        self.options = options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        shape = (self.num_classes, *self.out_features)
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape(*shape, self.linear.in_features),
            target,
            linear_bias=None if self.linear.bias is None else self.linear.bias.reshape(shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, reduction={self.reduction}, "
            f"ignore_index={self.ignore_index}, label_smoothing={self.label_smoothing}, options={self.options}"
        )
