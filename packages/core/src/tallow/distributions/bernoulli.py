"""The Bernoulli distribution."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Size, Tensor

from .distribution import BOOLEAN
from .shared import Trials


class Bernoulli(Trials):
    """One with probability ``probs``, else zero; or given by ``logits``, ``log(p / (1 - p))``.

    Example:
        >>> import tallow
        >>> Bernoulli(probs=tallow.tensor([0.25, 1.0])).mean
        tensor([0.2500, 1.0000])
    """

    has_enumerate_support = True
    support = BOOLEAN  # type: ignore[assignment]

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
