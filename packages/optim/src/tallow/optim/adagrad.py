"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tallow
from tallow import Tensor, ops

from ._native import NativeOptimizer, counted, decayed, new_number
from ._options import check_implementation, check_lr, check_not_negative

__all__ = ["Adagrad"]


class Adagrad(NativeOptimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011).

    ``sum += grad**2``, ``param -= lr / (1 + (t - 1) * lr_decay) * grad / (sqrt(sum) + eps)``.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the learning rate. Default: 1e-2.
        lr_decay: as above. Default: 0.
        weight_decay: this times the parameter is added to the gradient. Default: 0.
        initial_accumulator_value: what ``sum`` starts from. Default: 0.
        eps: added to the denominator. Default: 1e-10.
        maximize, foreach, differentiable, fused: as in :class:`Adam`.

    Raises:
        ValueError: for a negative option.

    >>> w = tallow.tensor([1.0])
    >>> w.grad = tallow.tensor([5.0])
    >>> Adagrad([w], lr=0.1).step()
    >>> round(w.item(), 4)
    0.9
    """

    _op = staticmethod(ops.optim.adagrad_step)
    _options = ("lr", "lr_decay", "weight_decay", "eps")
    _supports_fused = True
    _takes_sparse = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative("lr_decay", lr_decay)
        check_not_negative("weight_decay", weight_decay)
        check_not_negative("initial_accumulator_value", initial_accumulator_value)
        check_not_negative("epsilon", eps)
        check_implementation(foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            self._states_of(group, group["params"])

    def share_memory(self) -> None:
        """Move the sums to memory that other processes see."""
        for group in self.param_groups:
            for state in self._states_of(group, group["params"]):
                state["sum"].share_memory_()

    def _tensors(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("sum",)

    def _start(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        start = group["initial_accumulator_value"]
        state["step"] = new_number(0.0)
        filling = complex(start, start) if param.is_complex() else start
        state["sum"] = tallow.full_like(param, filling, requires_grad=False)

    def _step_plain(self, group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        if grad.is_sparse:
            self._step_sparse(group, param, -grad if group["maximize"] else grad, state)
            return
        t = counted(group, state)
        grad = decayed(group, param, grad)
        state["sum"] = total = state["sum"] + grad.square()
        param.sub_(grad / (total.sqrt() + group["eps"]) * (group["lr"] / (1 + (t - 1) * group["lr_decay"])))

    def _step_sparse(self, group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        if group["weight_decay"] != 0:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        t = counted(group, state)
        grad = grad.coalesce()  # the update is not linear: every place once
        state["sum"].add_(grad.square())
        deviation = state["sum"].sparse_mask(grad).values().sqrt().add_(group["eps"])
        step = tallow.sparse_coo_tensor(grad.indices(), grad.values() / deviation, grad.shape, is_coalesced=True)
        param.add_(step, alpha=-float(group["lr"] / (1 + (t - 1) * group["lr_decay"])))
