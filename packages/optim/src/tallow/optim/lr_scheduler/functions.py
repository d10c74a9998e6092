"""Rates by functions that the user gives."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler

__all__ = ["LambdaLR", "MultiplicativeLR"]

EpochFunction = Callable[[int], float]


class _FunctionScheduler(LRScheduler):
    """A schedule of one function for each group. Of the functions only callable objects' attributes are saved."""

    def __init__(self, optimizer: Optimizer, lr_lambda: EpochFunction | list[EpochFunction], last_epoch: int) -> None:
        count = len(optimizer.param_groups)
        if not isinstance(lr_lambda, (list, tuple)):
            self.lr_lambdas = [lr_lambda] * count
        elif len(lr_lambda) != count:
            raise ValueError(f"Expected {count} lr_lambdas, but got {len(lr_lambda)}")
        else:
            self.lr_lambdas = list(lr_lambda)
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and plain functions, which cannot be saved."""
        state = super().state_dict()
        state["lr_lambdas"] = [
            None if isinstance(fn, types.FunctionType) else dict(fn.__dict__) for fn in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state that :meth:`state_dict` gave; functions stay those of this object."""
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for fn, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if attributes is not None:
                fn.__dict__.update(attributes)


class LambdaLR(_FunctionScheduler):
    """Sets each rate to its initial value times ``lr_lambda(epoch)``.

    Args:
        lr_lambda: one function, or a list with one for each group.

    Raises:
        ValueError: if the list has another length.

    >>> import tallow
    >>> from tallow.optim import SGD
    >>> opt = SGD([tallow.zeros(1)], lr=1.0)
    >>> schedule, rates = LambdaLR(opt, lambda epoch: 0.5**epoch), []
    >>> for _ in range(4):
    ...     rates += schedule.get_last_lr()
    ...     opt.step()
    ...     schedule.step()
    >>> rates
    [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: EpochFunction | list[EpochFunction], last_epoch: int = -1
    ) -> None:
        super().__init__(optimizer, lr_lambda, last_epoch)

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        return [base * fn(self.last_epoch) for fn, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(_FunctionScheduler):
    """Multiplies each rate by ``lr_lambda(epoch)`` every epoch; arguments as in :class:`LambdaLR`.

    >>> import tallow
    >>> from tallow.optim import SGD
    >>> opt = SGD([tallow.zeros(1)], lr=1.0)
    >>> schedule, rates = MultiplicativeLR(opt, lambda epoch: 0.5), []
    >>> for _ in range(4):
    ...     rates += schedule.get_last_lr()
    ...     opt.step()
    ...     schedule.step()
    >>> rates
    [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: EpochFunction | list[EpochFunction], last_epoch: int = -1
    ) -> None:
        super().__init__(optimizer, lr_lambda, last_epoch)

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        if self._is_initial:
            return self._current_lrs()
        groups = self.optimizer.param_groups
        return [group["lr"] * fn(self.last_epoch) for fn, group in zip(self.lr_lambdas, groups, strict=True)]
