"""A softmax over many classes of which few are frequent."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import tallow
from tallow import Tensor

from .. import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """The adaptive softmax (Grave et al., 2017): rare classes are in clusters, which the frequent ones pay little for.

    The head gives scores to the classes below the first cutoff and to each cluster; a cluster's classes are told apart
    by a layer of its own, through a projection that is the smaller, the rarer they are.

    Args:
        in_features: size of each input sample.
        n_classes: the classes, sorted by decreasing frequency.
        cutoffs: the first class of each cluster, increasing.
        div_value: cluster i projects to ``in_features // div_value**(i + 1)``. Default: 4.
        head_bias: whether the head has a bias. Default: False.

    Shapes: input ``(N, in_features)`` or ``(in_features,)``; target ``(N,)`` or ``()``. The result is a pair: `output`,
    the log-probabilities of the targets, and `loss`, minus their mean.

    Raises:
        ValueError: if the cutoffs are not unique, increasing, and between 1 and ``n_classes - 1``.

    >>> import tallow
    >>> from tallow import nn
    >>> layer = nn.AdaptiveLogSoftmaxWithLoss(16, 1000, [50, 200])
    >>> output, loss = layer(tallow.randn(8, 16), tallow.randint(0, 1000, (8,)))
    >>> tuple(output.shape), loss.dim()
    ((8,), 0)
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        bounds = list(cutoffs)
        if not bounds:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        whole = all(int(c) == c for c in bounds)
        if bounds != sorted(set(bounds)) or bounds[0] <= 0 or bounds[-1] > n_classes - 1 or not whole:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, "
                "where each value is between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*bounds, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = bounds[0]
        self.n_clusters = len(bounds)
        self.head_size = self.shortlist_size + self.n_clusters
        factory = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **factory)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(self._clusters()):
            hidden = int(in_features // div_value ** (i + 1))
            first, second = Linear(in_features, hidden, False, **factory), Linear(hidden, high - low, False, **factory)
            self.tail.append(Sequential(first, second))

    def _clusters(self) -> list[tuple[int, int]]:
        """The first class of each cluster, and the first after it."""
        return list(zip(self.cutoffs, self.cutoffs[1:], strict=False))

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> Any:
        if target_.dim() > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if input_.dim() != target_.dim() + 1:
            raise RuntimeError(
                f"{target_.dim()}D target tensor expects {target_.dim() + 1}D input tensors, "
                f"but found inputs with size {input_.size()}"
            )
        if target_.dim() == 1 and input_.size(0) != target_.size(0):
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        if target_.dim() == 0:
            output, loss = self(input_.unsqueeze(0), target_.unsqueeze(0))
            return _ASMoutput(output.squeeze(0), loss)
        if bool(((target_ < 0) | (target_ >= self.n_classes)).any()):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{target_.min().item()}, {target_.max().item()}] were found. "
            )
        # The head's entry of each target, and within its cluster what the cluster says.
        entry = target_.clone()
        rest = input_.new_zeros(target_.size(0))
        for i, (low, high) in enumerate(self._clusters()):
            rows = ((target_ >= low) & (target_ < high)).nonzero().squeeze(1)
            if rows.numel():
                entry.index_fill_(0, rows, self.shortlist_size + i)
                scores = F.log_softmax(self.tail[i](input_.index_select(0, rows)), dim=1)
                within = scores.gather(1, (target_.index_select(0, rows) - low).unsqueeze(1)).squeeze(1)
                rest = rest.index_copy(0, rows, within)
        head = F.log_softmax(self.head(input_), dim=1)
        output = rest + head.gather(1, entry.unsqueeze(1)).squeeze(1)
        return _ASMoutput(output, -output.mean())

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes: ``(N, n_classes)`` for an input ``(N, in_features)``."""
        return self._all(input, self.head(input))

    def _all(self, input: Tensor, scores: Tensor) -> Tensor:
        head = F.log_softmax(scores, dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            parts.append(F.log_softmax(cluster(input), dim=1) + head[:, self.shortlist_size + i].unsqueeze(1))
        return tallow.cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The likeliest class of each sample, ``(N,)``: clusters are looked at only where the head points to one."""
        scores = self.head(input)
        output = scores.argmax(dim=1)
        rows = (output >= self.shortlist_size).nonzero().squeeze(1)
        if rows.numel():
            likeliest = self._all(input.index_select(0, rows), scores.index_select(0, rows)).argmax(dim=1)
            output.index_copy_(0, rows, likeliest)
        return output
