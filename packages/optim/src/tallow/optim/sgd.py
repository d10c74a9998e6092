"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tallow
from tallow import Tensor, ops

from ._options import check_implementation, check_lr, check_not_negative, for_native
from .optimizer import Optimizer

__all__ = ["SGD"]

_ops = ops.optim


class SGD(Optimizer):
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
        fused: False for a step of plain ops. Default: the native step.

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

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
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

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; returns what `closure` returned."""
        loss = self._evaluate(closure)
        for group in self.param_groups:
            params, grads = self._gather(group)
            if not params:
                continue
            with tallow.no_grad():
                taken = for_native(group, params, grads)
                if taken is not None:
                    self._step_native(group, params, taken)
            if taken is None:
                with tallow.set_grad_enabled(group["differentiable"]):
                    for param, grad in zip(params, grads, strict=True):
                        self._step_plain(group, param, grad)
        return loss

    def _step_native(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        if not group["momentum"]:
            _call(group, params, grads, [None] * len(params), False)
            return
        states = [self.state[p] for p in params]
        buffers = [s.get("momentum_buffer") for s in states]
        fresh = [i for i, buffer in enumerate(buffers) if buffer is None]
        if not fresh:
            _call(group, params, grads, buffers, False)
            return
        for i in fresh:
            buffers[i] = states[i]["momentum_buffer"] = tallow.empty_like(params[i], requires_grad=False)
        is_fresh = set(fresh)
        kept = [i for i in range(len(params)) if i not in is_fresh]
        for rows, first in ((fresh, True), (kept, False)):
            if rows:
                _call(group, [params[i] for i in rows], [grads[i] for i in rows], [buffers[i] for i in rows], first)

    def _step_plain(self, group: dict[str, Any], param: Tensor, grad: Tensor) -> None:
        lr, momentum, weight_decay = group["lr"], group["momentum"], group["weight_decay"]
        if group["maximize"]:
            grad = -grad
        if weight_decay != 0:
            grad = grad + param * weight_decay
        if momentum != 0:
            state = self.state[param]
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = grad.clone()
            elif group["differentiable"]:
                buffer = buffer * momentum + grad * (1 - group["dampening"])
            else:
                buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            state["momentum_buffer"] = buffer
            grad = grad + buffer * momentum if group["nesterov"] else buffer
        if isinstance(lr, Tensor):
            param.sub_(grad * lr)
        else:
            param.add_(grad, alpha=-lr)


def _call(group: dict[str, Any], params: list, grads: list, buffers: list, first: bool) -> None:
    _ops.sgd_step(
        params,
        grads,
        buffers,
        lr=float(group["lr"]),
        momentum=float(group["momentum"]),
        dampening=float(group["dampening"]),
        weight_decay=float(group["weight_decay"]),
        nesterov=group["nesterov"],
        maximize=group["maximize"],
        first=first,
    )
