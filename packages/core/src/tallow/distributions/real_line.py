"""Distributions over all real numbers, by location and scale."""

from __future__ import annotations

import math
from typing import Any

import tallow
from tallow import Tensor

from .shared import LocationScale

_EULER = 0.57721566490153286060


class Laplace(LocationScale):
    """The Laplace distribution: ``exp(-|x - loc| / scale) / (2 scale)``.

    Example:
        >>> import tallow
        >>> Laplace(0.0, 1.0).log_prob(tallow.tensor(0.0))
        tensor(-0.6931)
    """

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        # Within (-1, 1): at -1 the logarithm is infinite.
        u = self._new(self._extended_shape(sample_shape)).uniform_(tallow.finfo(self.loc.dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    def log_prob(self, value: Tensor) -> Tensor:
        return -self._standardized(value).abs() - (2 * self.scale).log()

    def cdf(self, value: Tensor) -> Tensor:
        z = self._standardized(value)
        return 0.5 - 0.5 * z.sign() * (-z.abs()).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        centred = value - 0.5
        return self.loc - self.scale * centred.sign() * (-2 * centred.abs()).log1p()

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()


class Cauchy(LocationScale):
    """The Cauchy distribution: ``1 / (pi scale (1 + ((x - loc) / scale)**2))``, which has no mean and no variance.

    Example:
        >>> import tallow
        >>> Cauchy(0.0, 1.0).cdf(tallow.tensor(1.0))
        tensor(0.7500)
    """

    @property
    def mean(self) -> Tensor:
        return tallow.full_like(self.loc, math.nan)

    @property
    def variance(self) -> Tensor:
        return tallow.full_like(self.loc, math.inf)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.loc + self._new(self._extended_shape(sample_shape)).cauchy_() * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        return -math.log(math.pi) - self.scale.log() - (self._standardized(value) ** 2).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        return self._standardized(value).atan() / math.pi + 0.5

    def icdf(self, value: Tensor) -> Tensor:
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self) -> Tensor:
        return math.log(4 * math.pi) + self.scale.log()


class Gumbel(LocationScale):
    """The Gumbel distribution, of largest values: ``exp(-(z + exp(-z))) / scale`` with ``z = (x - loc) / scale``.

    Example:
        >>> Gumbel(0.0, 1.0).mean
        tensor(0.5772)
    """

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * _EULER

    @property
    def variance(self) -> Tensor:
        return (math.pi / math.sqrt(6) * self.scale) ** 2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.loc - self.scale * self._new(self._extended_shape(sample_shape)).exponential_().log()

    def log_prob(self, value: Tensor) -> Tensor:
        z = self._standardized(value)
        return -z - (-z).exp() - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        return (-(-self._standardized(value)).exp()).exp()

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc - self.scale * (-value.log()).log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + _EULER)
