"""The Kullback-Leibler divergence between two distributions, where there is a formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tallow
from tallow import Tensor

from .bernoulli import Bernoulli, _softplus
from .categorical import Categorical
from .distribution import Distribution
from .normal import Normal
from .uniform import Uniform

_FORMULAS: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Callable[[Any, Any], Tensor]], Callable[[Any, Any], Tensor]]:
    """Decorates the formula for a pair of types; subclasses have it too."""

    def register(formula: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
        _FORMULAS[type_p, type_q] = formula
        return formula

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """How much ``p`` differs from ``q``, in nats, for each pair of the batch.

    Raises:
        NotImplementedError: no formula is registered for the two types.

    Example:
        >>> import tallow
        >>> kl_divergence(Normal(1.0, 1.0), Normal(0.0, 1.0))
        tensor(0.5000)
    """
    for a in type(p).__mro__:
        for b in type(q).__mro__:
            if (a, b) in _FORMULAS:
                return _FORMULAS[a, b](p, q)
    names = f"p type {type(p).__name__} and q type {type(q).__name__}"
    raise NotImplementedError(f"No KL(p || q) is implemented for {names}")


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    return p.probs * (p.logits - q.logits) - _softplus(p.logits) + _softplus(q.logits)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms = tallow.where(q.probs == 0, tallow.full_like(terms, float("inf")), terms)
    return tallow.where(p.probs == 0, tallow.zeros_like(terms), terms).sum(-1)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return tallow.where((q.low > p.low) | (q.high < p.high), tallow.full_like(result, float("inf")), result)
