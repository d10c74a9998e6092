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
from .distribution import Distribution
from .kl import kl_divergence, register_kl
from .normal import Normal
from .uniform import Uniform

__all__ = ["Bernoulli", "Categorical", "Distribution", "Normal", "Uniform", "kl_divergence", "register_kl"]
