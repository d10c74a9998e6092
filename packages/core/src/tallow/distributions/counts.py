"""Distributions over 0, 1, 2, ..."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Size, Tensor

from .distribution import COUNT, NOT_NEGATIVE, Distribution, broadcast
from .shared import Trials


class Poisson(Distribution):
    """The number of events where ``rate`` are expected: ``rate**k exp(-rate) / k!``.

    Example:
        >>> import tallow
        >>> Poisson(2.0).log_prob(tallow.tensor(0.0))
        tensor(-2.)
    """

    arg_constraints = {"rate": NOT_NEGATIVE}
    support = COUNT  # type: ignore[assignment]

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with tallow.no_grad():
            return tallow.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return tallow.xlogy(value, self.rate) - self.rate - (value + 1).lgamma()


class Geometric(Trials):
    """The failures before the first success of trials that succeed with probability ``probs``.

    Or given by ``logits``, ``log(p / (1 - p))``.

    Example:
        >>> Geometric(probs=0.25).mean
        tensor(3.)
    """

    support = COUNT  # type: ignore[assignment]

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)
        if self._validate_args and probs is not None and not bool((self.probs > 0).all()):
            raise ValueError(
                f"Expected parameter probs (Tensor of shape {tuple(self.probs.shape)}) of distribution {self!r} to be "
                f"positive, but found invalid values:\n{self.probs}"
            )

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return tallow.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape: Size = self._extended_shape(sample_shape)
        tiny = tallow.finfo(self.probs.dtype).tiny
        with tallow.no_grad():
            u = tallow.rand(shape, dtype=self.probs.dtype, device=self.probs.device).clamp(min=tiny)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        value, probs = tallow.broadcast_tensors([value, self.probs])
        # Where success is certain the logarithm of failing is infinite, and no failure is all there is.
        certain = (probs == 1) & (value == 0)
        return value * (-probs.masked_fill(certain, 0.0)).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        p, q = self.probs, 1 - self.probs
        return -(tallow.xlogy(q, q) + tallow.xlogy(p, p)) / p
