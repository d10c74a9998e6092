"""Adadelta."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tallow import Tensor, ops

from ._native import NativeOptimizer, counted, decayed
from ._options import check_lr, check_not_negative

__all__ = ["Adadelta"]


class Adadelta(NativeOptimizer):
    """Adadelta (Zeiler, 2012).

    ``v = rho * v + (1 - rho) * grad**2``, ``delta = sqrt(d + eps) / sqrt(v + eps) * grad``,
    ``d = rho * d + (1 - rho) * delta**2``, ``param -= lr * delta``.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: what each step is multiplied by. Default: 1.
        rho: as above. Default: 0.9.
        eps: added under both roots. Default: 1e-6.
        weight_decay: this times the parameter is added to the gradient. Default: 0.
        maximize: ascend instead of descend.
        foreach, capturable: accepted for compatibility.
        differentiable: step with ops that autograd records; parameters need not be leaves then.

    Raises:
        ValueError: for a negative option, or `rho` above 1.

    >>> import tallow
    >>> w = tallow.tensor([1.0])
    >>> w.grad = tallow.tensor([5.0])
    >>> Adadelta([w]).step()
    >>> round(w.item(), 5)
    0.99684
    """

    _op = staticmethod(ops.optim.adadelta_step)
    _options = ("lr", "rho", "eps", "weight_decay")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative("epsilon", eps)
        check_not_negative("weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _tensors(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return "square_avg", "acc_delta"

    def _step_plain(self, group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        rho, eps = group["rho"], group["eps"]
        counted(group, state)
        grad = decayed(group, param, grad)
        state["square_avg"] = squares = state["square_avg"] * rho + grad.square() * (1 - rho)
        delta = (state["acc_delta"] + eps).sqrt() / (squares + eps).sqrt() * grad
        state["acc_delta"] = state["acc_delta"] * rho + delta.square() * (1 - rho)
        param.sub_(delta * group["lr"])
