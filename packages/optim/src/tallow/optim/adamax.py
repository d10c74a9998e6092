"""Adamax."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tallow
from tallow import Tensor, ops

from ._native import NativeOptimizer, counted, decayed
from ._options import check_adam

__all__ = ["Adamax"]


class Adamax(NativeOptimizer):
    """Adam with the infinity norm (Kingma and Ba, 2014).

    ``m = b1 * m + (1 - b1) * grad``, ``u = max(b2 * u, |grad| + eps)``, ``param -= lr / (1 - b1**t) * m / u``.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the learning rate. Default: 2e-3.
        betas: b1 and b2. Default: (0.9, 0.999).
        eps: keeps the norm above zero. Default: 1e-8.
        weight_decay: this times the parameter is added to the gradient. Default: 0.
        maximize: ascend instead of descend.
        foreach, capturable: accepted for compatibility.
        differentiable: step with ops that autograd records; parameters need not be leaves then.

    Raises:
        ValueError: for a negative option, or a beta outside ``[0, 1)``.

    >>> w = tallow.tensor([1.0])
    >>> w.grad = tallow.tensor([5.0])
    >>> Adamax([w], lr=0.1).step()
    >>> round(w.item(), 4)
    0.9
    """

    _op = staticmethod(ops.optim.adamax_step)
    _options = ("lr", "betas", "eps", "weight_decay")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_adam(lr, betas, eps, weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _tensors(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return "exp_avg", "exp_inf"

    def _step_plain(self, group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        t = counted(group, state)
        grad = decayed(group, param, grad)
        state["exp_avg"] = mean = state["exp_avg"] * beta1 + grad * (1 - beta1)
        state["exp_inf"] = norm = tallow.maximum(state["exp_inf"] * beta2, grad.abs() + group["eps"])
        param.sub_(mean / norm * (lr / (1 - beta1**t)))
