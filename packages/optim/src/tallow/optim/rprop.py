"""Rprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tallow
from tallow import Tensor, ops

from ._native import NativeOptimizer, counted, new_number
from ._options import check_lr

__all__ = ["Rprop"]


class Rprop(NativeOptimizer):
    """Resilient backpropagation (Riedmiller and Braun, 1993).

    Each element has a step size of its own, which grows while the gradient keeps its sign and shrinks when that
    changes; of the gradient only the sign is used. It is meant for gradients of all data, not of batches.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the first step size. Default: 1e-2.
        etas: what step sizes are multiplied by to shrink and to grow. Default: (0.5, 1.2).
        step_sizes: the smallest and the largest. Default: (1e-6, 50).
        maximize: ascend instead of descend.
        foreach, capturable: accepted for compatibility.
        differentiable: step with ops that autograd records; parameters need not be leaves then.

    Raises:
        ValueError: for a negative rate, or `etas` that are not on both sides of 1.

    >>> w = tallow.tensor([1.0])
    >>> w.grad = tallow.tensor([5.0])
    >>> Rprop([w], lr=0.1).step()
    >>> round(w.item(), 4)
    0.9
    """

    _op = staticmethod(ops.optim.rprop_step)
    _options = ("etas", "step_sizes")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _tensors(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return "prev", "step_size"

    def _start(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        lr = float(group["lr"])
        state["step"] = new_number(0.0)
        state["prev"] = tallow.zeros_like(param, requires_grad=False)
        filling = complex(lr, lr) if param.is_complex() else lr
        state["step_size"] = tallow.full_like(param, filling, requires_grad=False)

    def _step_plain(self, group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        (shrink, grow), (least, most) = group["etas"], group["step_sizes"]
        counted(group, state)
        if group["maximize"]:
            grad = -grad
        agree = (grad * state["prev"]).sign()
        unchanged = tallow.ones_like(agree)
        factor = tallow.where(agree > 0, unchanged * grow, tallow.where(agree < 0, unchanged * shrink, unchanged))
        state["step_size"] = size = (state["step_size"] * factor).clamp(least, most)
        # After a change of sign one step is left out, and forgotten.
        state["prev"] = kept = tallow.where(agree < 0, tallow.zeros_like(grad), grad)
        param.sub_(kept.sign() * size)
