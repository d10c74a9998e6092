"""A module whose parameters are averages of another's. Imported when it is first asked for: it needs tallow-nn."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import tallow
from tallow import Tensor

from .swa_utils import get_swa_multi_avg_fn

__all__ = ["AveragedModel"]


class AveragedModel(tallow.nn.Module):
    """A copy of `model` that holds averages of its parameters (Izmailov et al., 2018).

    Args:
        model: what is copied, as ``module``.
        device: where the copy is.
        avg_fn: ``(average, value, count) -> average`` of one tensor, `count` the number of values taken so far.
        multi_avg_fn: ``(averages, values, count)``, all tensors of a dtype in place. Default: their mean.
        use_buffers: average buffers too; otherwise they are copied.

    The first :meth:`update_parameters` copies. ``n_averaged`` is the number of updates made.

    Raises:
        AssertionError: if both functions are given.

    >>> from tallow import nn
    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = model.weight.data.fill_(value)
    ...     average.update_parameters(model)
    >>> average(tallow.ones(1)).item(), average.n_averaged.item()
    (3.0, 3)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Any,
        device: Any = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[[Sequence[Tensor], Sequence[Tensor], Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tallow.tensor(0, dtype=tallow.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged module gives."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Any) -> None:
        """Take the present parameters of `model` into the averages."""
        with tallow.no_grad():
            pairs = [(own.detach(), other.detach().to(own.device)) for own, other in self._pairs(model)]
            if self.n_averaged == 0:
                for own, other in pairs:
                    own.copy_(other)
            elif self.avg_fn is not None:
                for own, other in pairs:
                    own.copy_(self.avg_fn(own, other, self.n_averaged.to(own.device)))
            else:
                self._update_together(pairs)
            if not self.use_buffers:
                for own, other in zip(self.module.buffers(), model.buffers(), strict=True):
                    own.detach().copy_(other.detach().to(own.device))
            self.n_averaged += 1

    def _pairs(self, model: Any) -> Any:
        def tensors(module: Any) -> Any:
            return itertools.chain(module.parameters(), module.buffers()) if self.use_buffers else module.parameters()

        return zip(tensors(self.module), tensors(model), strict=True)

    def _update_together(self, pairs: list[tuple[Tensor, Tensor]]) -> None:
        update = self.multi_avg_fn or get_swa_multi_avg_fn()
        groups: dict[Any, list[tuple[Tensor, Tensor]]] = {}
        for own, other in pairs:
            groups.setdefault((own.device, own.dtype), []).append((own, other))
        for (device, _), group in groups.items():
            update([own for own, _ in group], [other for _, other in group], self.n_averaged.to(device))
