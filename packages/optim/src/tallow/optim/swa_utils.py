"""Averages of weights: stochastic weight averaging (Izmailov et al., 2018) and exponential moving averages.

``AveragedModel`` and ``update_bn`` work on ``tallow.nn`` modules and need tallow-nn; nothing else here does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import tallow
from tallow import Tensor

from ._native import lerp_all
from .lr_scheduler.base import LRScheduler, check_optimizer, per_group
from .optimizer import Optimizer

if TYPE_CHECKING:
    from ._averaged_model import AveragedModel

__all__ = [
    "AveragedModel",
    "SWALR",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def __getattr__(name: str) -> Any:
    if name == "AveragedModel":
        from ._averaged_model import AveragedModel

        return AveragedModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """A function ``(averages, values, count)`` that moves all averages, ``a = decay * a + (1 - decay) * v``, in place.

    >>> average = tallow.tensor([1.0])
    >>> get_ema_multi_avg_fn(0.75)([average], [tallow.tensor([5.0])], 1)
    >>> average.item()
    2.0
    """
    _check_decay(decay)

    def ema_update(averages: Sequence[Tensor], values: Sequence[Tensor], count: Any) -> None:
        with tallow.no_grad():
            lerp_all(averages, values, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """A function ``(averages, values, count)`` that takes the next values into the means of `count`, in place.

    >>> average = tallow.tensor([1.0])
    >>> get_swa_multi_avg_fn()([average], [tallow.tensor([5.0])], 3)
    >>> average.item()
    2.0
    """

    def swa_update(averages: Sequence[Tensor], values: Sequence[Tensor], count: Any) -> None:
        with tallow.no_grad():
            lerp_all(averages, values, 1 / (float(count) + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """A function ``(average, value, count)`` that returns ``decay * average + (1 - decay) * value``.

    >>> get_ema_avg_fn(0.75)(tallow.tensor(1.0), tallow.tensor(5.0), 1).item()
    2.0
    """
    _check_decay(decay)

    def ema_update(average: Tensor, value: Tensor, count: Any) -> Tensor:
        with tallow.no_grad():
            return decay * average + (1 - decay) * value

    return ema_update


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    """A function ``(average, value, count)`` that returns the mean of `count` values with one more taken in.

    >>> get_swa_avg_fn()(tallow.tensor(1.0), tallow.tensor(5.0), 3).item()
    2.0
    """

    def swa_update(average: Tensor, value: Tensor, count: Any) -> Tensor:
        with tallow.no_grad():
            return average + (value - average) / (count + 1)

    return swa_update


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Compute the running statistics of a model's batch normalization anew, as plain means over one pass of `loader`.

    Averaged weights need it: the statistics of the weights that they are the average of do not fit them.

    Args:
        loader: batches; of a list or tuple the first element is what the model takes.
        model: the module; it runs in training mode, and is put back into the mode it was in.
        device: where batches are moved to, if given.

    >>> from tallow import nn
    >>> model = nn.BatchNorm1d(1)
    >>> update_bn([tallow.tensor([[1.0], [3.0]])], model)
    >>> model.running_mean.item()
    2.0
    """
    momenta = {}
    for module in model.modules():
        if hasattr(module, "reset_running_stats") and getattr(module, "track_running_stats", False):
            module.reset_running_stats()
            momenta[module] = module.momentum
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.momentum = None
    with tallow.no_grad():
        for batch in loader:
            inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(inputs if device is None else inputs.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Goes from the present rates to `swa_lr` in `anneal_epochs` epochs, and stays there.

    Args:
        swa_lr: the last rate, one or one for each group.
        anneal_strategy: "cos" or "linear".

    Raises:
        ValueError: for another strategy or a number of epochs that is no integer from 0 on.

    >>> from tallow.optim import SGD
    >>> opt = SGD([tallow.zeros(1)], lr=1.0)
    >>> schedule = SWALR(opt, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> rates = []
    >>> for _ in range(3):
    ...     opt.step()
    ...     schedule.step()
    ...     rates.append(schedule.get_last_lr()[0])
    >>> rates
    [0.75, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        for group, lr in zip(optimizer.param_groups, per_group("swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        self._anneal_strategy = anneal_strategy
        super().__init__(optimizer, last_epoch)

    def _part(self, step: int) -> float:
        """How much of the way is done after `step` steps."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._part(step - 1), self._part(step)
        rates = []
        for group in self.optimizer.param_groups:
            last = group["swa_lr"]
            # The rate that the present one was reached from; other schedules may have changed it meanwhile.
            first = last if before == 1 else (group["lr"] - before * last) / (1 - before)
            rates.append(last * now + first * (1 - now))
        return rates
