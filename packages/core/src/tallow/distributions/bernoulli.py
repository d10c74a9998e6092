"""The Bernoulli distribution."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import tallow
from tallow import Size, Tensor

from .distribution import BOOLEAN, REAL, UNIT_INTERVAL, Distribution, broadcast, either


class Bernoulli(Distribution):
    """One with probability ``probs``, else zero; or given by ``logits``, ``log(p / (1 - p))``.

    Example:
        >>> import tallow
        >>> Bernoulli(probs=tallow.tensor([0.25, 1.0])).mean
        tensor([0.2500, 1.0000])
    """

    arg_constraints = {"probs": UNIT_INTERVAL, "logits": REAL}
    has_enumerate_support = True
    support = BOOLEAN  # type: ignore[assignment]

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        either(probs, logits)
        if probs is not None:
            (self.probs,) = broadcast(probs)
        else:
            (self.logits,) = broadcast(logits)
        self._param = self.__dict__["probs" if probs is not None else "logits"]
        super().__init__(self._param.shape, validate_args=validate_args)

    @cached_property
    def probs(self) -> Tensor:
        """The probability of one."""
        return self.logits.sigmoid()

    @cached_property
    def logits(self) -> Tensor:
        """``log(p / (1 - p))``, finite also for probabilities 0 and 1."""
        eps = tallow.finfo(self.probs.dtype).eps
        p = self.probs.clamp(eps, 1 - eps)
        return p.log() - (-p).log1p()

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        """The likelier of zero and one; NaN where both are as likely."""
        likelier = (self.probs >= 0.5).to(self.probs.dtype)
        return likelier.masked_fill(self.probs == 0.5, float("nan"))

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter that was given."""
        return self._param.shape

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with tallow.no_grad():
            return tallow.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(tallow.arange(2, dtype=self._param.dtype, device=self._param.device), expand)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return value * self.logits - _softplus(self.logits)

    def entropy(self) -> Tensor:
        return _softplus(self.logits) - self.probs * self.logits


def _softplus(x: Tensor) -> Tensor:
    return x.clamp(min=0) + (-x.abs()).exp().log1p()
