"""The uniform distribution."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Tensor

from .distribution import Constraint, Distribution, broadcast, interval


class Uniform(Distribution):
    """Uniform distributions over ``[low, high)``, tensors or numbers that broadcast.

    Example:
        >>> import tallow
        >>> Uniform(0.0, 4.0).log_prob(tallow.tensor(1.0)).exp()
        tensor(0.2500)
    """

    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast(low, high)
        below = Constraint(f"LessThan(upper_bound={self.high})", lambda x: x < self.high)
        above = Constraint(f"GreaterThan(lower_bound={self.low})", lambda x: x > self.low)
        self.arg_constraints = {"low": below, "high": above}
        super().__init__(self.low.shape, validate_args=validate_args)

    @property
    def support(self) -> Constraint:
        return interval(self.low, self.high)

    @property
    def mean(self) -> Tensor:
        return (self.high + self.low) / 2

    @property
    def mode(self) -> Tensor:
        """NaN: all values are as likely."""
        return tallow.full_like(self.low, float("nan"))

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low) ** 2 / 12

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        noise = tallow.rand(self._extended_shape(sample_shape), dtype=self.low.dtype, device=self.low.device)
        return self.low + noise * (self.high - self.low)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        inside = ((self.low <= value) & (value < self.high)).to(self.low.dtype)
        return inside.log() - (self.high - self.low).log()

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def icdf(self, value: Tensor) -> Tensor:
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()
