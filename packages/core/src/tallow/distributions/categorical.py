"""The categorical distribution."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import tallow
from tallow import Size, Tensor

from .distribution import REAL, SIMPLEX, Constraint, Distribution, either, integers_below


class Categorical(Distribution):
    """Integers 0, 1, ..., K - 1 by the K weights in the last dimension of ``probs``, or of ``exp(logits)``.

    Example:
        >>> import tallow
        >>> Categorical(tallow.tensor([1.0, 3.0])).probs
        tensor([0.2500, 0.7500])
    """

    arg_constraints = {"probs": SIMPLEX, "logits": REAL}
    has_enumerate_support = True
    _event_dims = {"probs": 1, "logits": 1}

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        either(probs, logits)
        given = probs if probs is not None else logits
        if given.dim() < 1:
            name = "probs" if probs is not None else "logits"
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logits.logsumexp(-1, keepdim=True)
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    @cached_property
    def probs(self) -> Tensor:
        """Probabilities, which add up to one."""
        return self.logits.softmax(-1)

    @cached_property
    def logits(self) -> Tensor:
        """Logarithms of probabilities, finite also where they are zero."""
        eps = tallow.finfo(self.probs.dtype).eps
        return self.probs.clamp(eps, 1 - eps).log()

    @property
    def support(self) -> Constraint:
        return integers_below(self._num_events)

    @property
    def mean(self) -> Tensor:
        return tallow.full(self._batch_shape, float("nan"), dtype=self.probs.dtype, device=self.probs.device)

    @property
    def variance(self) -> Tensor:
        return self.mean

    @property
    def mode(self) -> Tensor:
        """The likeliest integer."""
        return self.probs.argmax(-1)

    @property
    def param_shape(self) -> Size:
        """The shape of the weights."""
        return self.probs.shape if "probs" in self.__dict__ else self.logits.shape

    def enumerate_support(self, expand: bool = True) -> Tensor:
        device = self.probs.device
        return self._enumerated(tallow.arange(self._num_events, dtype=tallow.int64, device=device), expand)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = Size(sample_shape)
        with tallow.no_grad():
            drawn = tallow.multinomial(self.probs.reshape(-1, self._num_events), shape.numel(), True).T
        return drawn.reshape(self._extended_shape(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        index, logits = tallow.broadcast_tensors([value.long().unsqueeze(-1), self.logits])
        return logits.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=tallow.finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)
