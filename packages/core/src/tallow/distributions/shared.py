"""What several distributions have in common."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import tallow
from tallow import Size, Tensor

from .distribution import POSITIVE, REAL, UNIT_INTERVAL, Distribution, broadcast, either


class LocationScale(Distribution):
    """``loc`` and ``scale``, tensors or numbers that broadcast."""

    arg_constraints = {"loc": REAL, "scale": POSITIVE}
    has_rsample = True
    support = REAL  # type: ignore[assignment]

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mode(self) -> Tensor:
        return self.loc

    def _new(self, shape: Size) -> Tensor:
        return tallow.empty(shape, dtype=self.loc.dtype, device=self.loc.device)

    def _standardized(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return (value - self.loc) / self.scale


class Trials(Distribution):
    """Trials that succeed with probability ``probs``, or ``logits``, ``log(p / (1 - p))``."""

    arg_constraints = {"probs": UNIT_INTERVAL, "logits": REAL}

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
        """The probability of a success."""
        return self.logits.sigmoid()

    @cached_property
    def logits(self) -> Tensor:
        """``log(p / (1 - p))``, finite also for probabilities 0 and 1."""
        eps = tallow.finfo(self.probs.dtype).eps
        p = self.probs.clamp(eps, 1 - eps)
        return p.log() - (-p).log1p()
