"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tallow import Tensor, ops

from ._native import NativeOptimizer, counted, decayed
from ._options import check_lr, check_not_negative

__all__ = ["RMSprop"]


class RMSprop(NativeOptimizer):
    """RMSprop (Hinton, 2012), centered and with momentum if asked for (Graves, 2013).

    ``v = alpha * v + (1 - alpha) * grad**2``, ``param -= lr * grad / (sqrt(v) + eps)``; `centered` subtracts the square
    of a running mean of the gradient from ``v``; with `momentum`, ``buf = momentum * buf + grad / (sqrt(v) + eps)`` and
    ``param -= lr * buf``.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the learning rate. Default: 1e-2.
        alpha, momentum, centered: as above.
        eps: added to the denominator. Default: 1e-8.
        weight_decay: this times the parameter is added to the gradient. Default: 0.
        maximize: ascend instead of descend.
        foreach, capturable: accepted for compatibility.
        differentiable: step with ops that autograd records; parameters need not be leaves then.

    Raises:
        ValueError: for a negative option.

    >>> import tallow
    >>> w = tallow.tensor([1.0])
    >>> w.grad = tallow.tensor([5.0])
    >>> RMSprop([w], lr=0.05).step()
    >>> round(w.item(), 4)
    0.5
    """

    _op = staticmethod(ops.optim.rmsprop_step)
    _options = ("lr", "alpha", "eps", "weight_decay", "momentum")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("epsilon", eps)
        check_not_negative("momentum", momentum)
        check_not_negative("weight_decay", weight_decay)
        check_not_negative("alpha", alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _tensors(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return (
            "square_avg",
            "momentum_buffer" if group["momentum"] > 0 else None,
            "grad_avg" if group["centered"] else None,
        )

    def _step_plain(self, group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        alpha = group["alpha"]
        counted(group, state)
        grad = decayed(group, param, grad)
        state["square_avg"] = variance = state["square_avg"] * alpha + grad.square() * (1 - alpha)
        if group["centered"]:
            state["grad_avg"] = mean = state["grad_avg"] * alpha + grad * (1 - alpha)
            variance = variance - mean.square()
        update = grad / (variance.sqrt() + group["eps"])
        if group["momentum"] > 0:
            state["momentum_buffer"] = update = state["momentum_buffer"] * group["momentum"] + update
        param.sub_(update * group["lr"])
