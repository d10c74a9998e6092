"""What all distributions share: shapes, sampling, the checks of parameters and values."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import tallow
from tallow import Size, Tensor


class Constraint(NamedTuple):
    """Which values are allowed: a name for messages, and a test that gives True where a value is."""

    name: str
    holds: Callable[[Tensor], Tensor]


REAL = Constraint("Real()", lambda x: x == x)
POSITIVE = Constraint("GreaterThan(lower_bound=0.0)", lambda x: x > 0)
UNIT_INTERVAL = Constraint("Interval(lower_bound=0.0, upper_bound=1.0)", lambda x: (x >= 0) & (x <= 1))
NOT_NEGATIVE = Constraint("GreaterThanEq(lower_bound=0.0)", lambda x: x >= 0)
COUNT = Constraint("IntegerGreaterThan(lower_bound=0)", lambda x: (x % 1 == 0) & (x >= 0))
BOOLEAN = Constraint("Boolean()", lambda x: (x == 0) | (x == 1))
SIMPLEX = Constraint("Simplex()", lambda x: ((x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6)).unsqueeze(-1))


def integers_below(count: int) -> Constraint:
    name = f"IntegerInterval(lower_bound=0, upper_bound={count - 1})"
    return Constraint(name, lambda x: (x % 1 == 0) & (x >= 0) & (x < count))


def interval(low: Tensor, high: Tensor) -> Constraint:
    return Constraint(f"Interval(lower_bound={low}, upper_bound={high})", lambda x: (x >= low) & (x <= high))


class Distribution:
    """A batch of distributions: ``batch_shape`` of them, each over values of ``event_shape``.

    Args:
        validate_args: check parameters when the distribution is made and values in ``log_prob`` (else ``ValueError``);
            done unless it is False or ``python -O`` runs.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__
    #: Parameters in the order of the representation, and what each has to be.
    arg_constraints: dict[str, Constraint] = {}
    #: How many of a parameter's last dimensions belong to one distribution.
    _event_dims: dict[str, int] = {}

    def __init__(
        self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if not self._validate_args:
            return
        for name, constraint in self.arg_constraints.items():
            if name not in self.__dict__:
                continue  # the other way to give it was used
            value = getattr(self, name)
            if not bool(constraint.holds(value).all()):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint.name}, but found invalid values:\n{value}"
                )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions made from now on check what they are given."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expected True or False, got {value!r}")
        Distribution._validate_args = value

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one value."""
        return self._event_shape

    @property
    def support(self) -> Constraint:
        """Which values have a probability."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean of each distribution."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The likeliest value of each distribution."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance of each distribution."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation of each distribution."""
        return self.variance.sqrt()

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distributions as a batch of this shape, without a copy of the parameters."""
        given = [name for name in self.arg_constraints if name in self.__dict__]
        if "probs" in given and "logits" in given:  # one was computed from the other
            given.remove("logits")
        parameters = {}
        for name in given:
            value = getattr(self, name)
            own = value.shape[value.dim() - self._event_dims.get(name, 0) :]
            parameters[name] = value.expand([*batch_shape, *own])
        new = type(self)(**parameters, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values, along the first dimension; with `expand` for every distribution of the batch."""
        raise NotImplementedError

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Values of shape ``sample_shape + batch_shape + event_shape``, without a history."""
        with tallow.no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n: int) -> Tensor:
        """``sample((n,))``, as older programs say it."""
        warnings.warn("sample_n(n) will be deprecated. Use .sample((n,)) instead.", FutureWarning, stacklevel=2)
        return self.sample((n,))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Values that are differentiable in the parameters, where the distribution allows it."""
        raise NotImplementedError

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the probability, or of its density, at ``value``."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of values up to ``value``."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of ``cdf``."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The entropy of each distribution, in nats."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """``exp(entropy())``."""
        return self.entropy().exp()

    def _enumerated(self, values: Tensor, expand: bool) -> Tensor:
        """`values` (K, *event_shape) along a new first dimension of the batch."""
        ones = [1] * len(self._batch_shape)
        values = values.reshape([len(values), *ones, *self._event_shape])
        return values.expand([len(values), *self._batch_shape, *self._event_shape]) if expand else values

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size([*sample_shape, *self._batch_shape, *self._event_shape])

    def _validate_sample(self, value: Any) -> None:
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        if not bool(self.support.holds(value).all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the "
                f"support ({self.support.name}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        parts = []
        for name in self.arg_constraints:
            if name in self.__dict__:
                value = getattr(self, name)
                parts.append(f"{name}: {value if value.numel() == 1 else value.size()}")
        return f"{type(self).__name__}({', '.join(parts)})"


def broadcast(*values: Any) -> list[Tensor]:
    """Numbers and tensors as tensors of one shape; numbers take the dtype of the first floating tensor."""
    like = next((v for v in values if isinstance(v, Tensor) and v.dtype.is_floating_point), None)
    dtype = like.dtype if like is not None else tallow.get_default_dtype()
    if not all(isinstance(v, (Tensor, int, float)) for v in values):
        raise ValueError("Input arguments must all be instances of Number or tallow.Tensor.")
    tensors = [v if isinstance(v, Tensor) else tallow.tensor(v, dtype=dtype) for v in values]
    return list(tallow.broadcast_tensors(tensors))


def sum_rightmost(value: Tensor, count: int) -> Tensor:
    """The sum over the last `count` dimensions."""
    return value.flatten(value.dim() - count).sum(-1) if count else value


def either(probs: Any, logits: Any) -> None:
    """Exactly one of the two ways to give probabilities."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
