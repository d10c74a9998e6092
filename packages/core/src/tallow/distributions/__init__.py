"""Probability distributions to draw from and to differentiate through, as ``torch.distributions``.

    >>> import tallow
    >>> from tallow.distributions import Categorical
    >>> policy = Categorical(logits=tallow.zeros(2, 4))
    >>> policy.log_prob(tallow.tensor([0, 3])).exp()
    tensor([0.2500, 0.2500])
"""

from __future__ import annotations

from .bernoulli import Bernoulli
from .categorical import Categorical
from .counts import Geometric, Poisson
from .distribution import Distribution
from .half_line import Exponential, HalfNormal, LogNormal
from .independent import Independent
from .kl import kl_divergence, register_kl
from .low_rank_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal
from .normal import Normal
from .one_hot import OneHotCategorical, OneHotCategoricalStraightThrough
from .real_line import Cauchy, Gumbel, Laplace
from .uniform import Uniform

__all__ = [
    "Bernoulli",
    "Categorical",
    "Cauchy",
    "Distribution",
    "Exponential",
    "Geometric",
    "Gumbel",
    "HalfNormal",
    "Independent",
    "Laplace",
    "LogNormal",
    "LowRankMultivariateNormal",
    "MultivariateNormal",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Poisson",
    "Uniform",
    "kl_divergence",
    "register_kl",
]
