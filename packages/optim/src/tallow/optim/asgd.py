"""Averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tallow import Tensor, ops

from ._native import NativeOptimizer, counted, decayed, new_number
from ._options import check_lr, check_not_negative

__all__ = ["ASGD"]


class ASGD(NativeOptimizer):
    """Averaged stochastic gradient descent (Polyak and Juditsky, 1992).

    ``param = param * (1 - lambd * eta) - eta * grad`` with a step ``eta = lr / (1 + lambd * lr * t)**alpha``; from step
    `t0` on, the state ``ax`` is the mean of the parameters.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the learning rate. Default: 1e-2.
        lambd, alpha, t0: as above. Default: 1e-4, 0.75, 1e6.
        weight_decay: this times the parameter is added to the gradient. Default: 0.
        maximize: ascend instead of descend.
        foreach, capturable: accepted for compatibility.
        differentiable: step with ops that autograd records; parameters need not be leaves then.

    Raises:
        ValueError: for a negative rate or weight decay.

    >>> import tallow
    >>> w = tallow.tensor([1.0])
    >>> w.grad = tallow.tensor([5.0])
    >>> opt = ASGD([w], lr=0.1, lambd=0)
    >>> opt.step()
    >>> w.item(), opt.state[w]["ax"].item()
    (0.5, 0.5)
    """

    _op = staticmethod(ops.optim.asgd_step)
    _options = ("lr", "lambd", "alpha", "t0", "weight_decay")
    _numbers = ("step", "eta", "mu")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _tensors(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("ax",)

    def _start(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        super()._start(group, param, state)
        state["eta"] = new_number(float(group["lr"]))
        state["mu"] = new_number(1.0)

    def _settings(self, group: dict[str, Any]) -> dict[str, Any]:
        # torch's foreach step computes the next step size in the precision that it is kept in.
        return {**super()._settings(group), "narrow": bool(group["foreach"])}

    def _step_plain(self, group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        lr, lambd = float(group["lr"]), group["lambd"]
        eta, mu = state["eta"].item(), state["mu"].item()
        counted(group, state)
        grad = decayed(group, param, grad)
        param.mul_(1 - lambd * eta)
        param.sub_(grad * eta)
        state["ax"] = param.clone() if mu == 1 else state["ax"] + (param - state["ax"]) * mu
        t = state["step"].item()
        state["eta"] = new_number(lr / (1 + lambd * lr * t) ** group["alpha"])
        state["mu"] = new_number(1 / max(1, t - group["t0"]))
