"""The categorical distribution over unit vectors."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Size, Tensor

from .categorical import Categorical
from .distribution import REAL, SIMPLEX, Constraint, Distribution

_ONE_HOT = Constraint(
    "OneHot()", lambda x: (((x == 0) | (x == 1)).all(-1) & (x.sum(-1) == 1)).unsqueeze(-1)
)


class OneHotCategorical(Distribution):
    """Unit vectors of K elements, by the K weights in the last dimension of ``probs``, or of ``exp(logits)``.

    Example:
        >>> import tallow
        >>> OneHotCategorical(tallow.tensor([1.0, 3.0])).mode
        tensor([0., 1.])
    """

    arg_constraints = {"probs": SIMPLEX, "logits": REAL}
    has_enumerate_support = True
    support = _ONE_HOT  # type: ignore[assignment]

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> OneHotCategorical:
        new = type(self)(self._categorical.expand(batch_shape).probs, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def probs(self) -> Tensor:
        """Probabilities, which add up to one."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Logarithms of probabilities."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Size:
        """The shape of the weights."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._one_hot(self._categorical.mode)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self._one_hot(self._categorical.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(tallow.eye(self._event_shape[0], dtype=self.probs.dtype), expand)

    def _one_hot(self, index: Tensor) -> Tensor:
        zeros = tallow.zeros([*index.shape, *self._event_shape], dtype=self.probs.dtype, device=self.probs.device)
        return zeros.scatter_(-1, index.unsqueeze(-1), 1.0)

    def __repr__(self) -> str:
        return repr(self._categorical).replace("Categorical", type(self).__name__, 1)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """:class:`OneHotCategorical` whose ``rsample`` has the gradient of the probabilities (Bengio et al., 2013).

    Example:
        >>> import tallow
        >>> OneHotCategoricalStraightThrough(tallow.tensor([0.0, 1.0])).rsample()
        tensor([0., 1.])
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
