"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tallow
from tallow import Tensor, ops

from ._native import NativeOptimizer, decayed
from ._options import check_implementation, check_lr, check_not_negative

__all__ = ["SGD"]


class SGD(NativeOptimizer):
    """Stochastic gradient descent, with momentum (Sutskever et al., 2013).

    With `momentum` each step is ``buf = momentum * buf + (1 - dampening) * grad``, ``param -= lr * buf``; the first
    buffer is the gradient itself. With `nesterov` the step is along ``grad + momentum * buf``.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the learning rate. Default: 1e-3.
        momentum, dampening, nesterov: as above.
        weight_decay: this times the parameter is added to the gradient.
        maximize: ascend instead of descend.
        foreach: accepted for compatibility.
        differentiable: step with ops that autograd records; parameters need not be leaves then.
        fused: False for a step of plain ops. Default: the native step. True also says that a gradient scaler may
            leave unscaling to the step.

    Raises:
        ValueError: for a negative option, or Nesterov momentum without momentum or with dampening.

    >>> w = tallow.tensor([1.0])
    >>> opt = SGD([w], lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     w.grad = tallow.ones(1)
    ...     opt.step()
    >>> round(w.item(), 4)
    0.71
    """

    _op = staticmethod(ops.optim.sgd_step)
    _options = ("lr", "momentum", "dampening", "weight_decay")
    _flags = ("nesterov", "maximize")
    _numbers = ()
    _supports_fused = True
    _takes_sparse = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative("momentum", momentum)
        check_not_negative("weight_decay", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_implementation(foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _tensors(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("momentum_buffer" if group["momentum"] else None,)

    def _settings(self, group: dict[str, Any]) -> dict[str, Any]:
        return {**super()._settings(group), "first": False}

    def _states_of(self, group: dict[str, Any], params: list[Tensor]) -> list[dict[str, Any]]:
        return [self.state[p] for p in params] if group["momentum"] else [{} for _ in params]

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        if not self._is_native(group, params, grads):
            with tallow.set_grad_enabled(group["differentiable"]):
                self._update_plain(group, params, grads, self._states_of(group, params))
            return
        settings = self._settings(group)
        with tallow.no_grad():
            if not group["momentum"]:
                self._call(params, grads, [[]], [], settings)
                return
            states = self._states_of(group, params)
            fresh = [i for i, state in enumerate(states) if state.get("momentum_buffer") is None]
            if not fresh:
                self._call(params, grads, [[s["momentum_buffer"] for s in states]], [], settings)
                return
            buffers: list[Any] = [s.get("momentum_buffer") for s in states]
            for i in fresh:
                buffers[i] = tallow.empty_like(params[i], requires_grad=False)
            lists: tuple[list[Any], ...] = (params, grads, buffers)
            is_fresh = set(fresh)
            kept = [i for i in range(len(params)) if i not in is_fresh]
            for rows, first in ((fresh, True), (kept, False)):
                if rows:
                    some_params, some_grads, some_buffers = ([of[i] for i in rows] for of in lists)
                    self._call(some_params, some_grads, [some_buffers], [], {**settings, "first": first})
            if not self._was_skipped():
                for i in fresh:
                    states[i]["momentum_buffer"] = buffers[i]

    def _step_plain(self, group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        lr, momentum = group["lr"], group["momentum"]
        grad = decayed(group, param, grad)
        if momentum != 0:
            buffer = state.get("momentum_buffer")
            buffer = grad.clone() if buffer is None else buffer * momentum + grad * (1 - group["dampening"])
            state["momentum_buffer"] = buffer
            grad = grad + buffer * momentum if group["nesterov"] else buffer
        param.sub_(grad * lr)
