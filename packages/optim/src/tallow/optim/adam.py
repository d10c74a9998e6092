"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tallow
from tallow import Tensor, ops

from ._native import NativeOptimizer, averages, counted, decayed
from ._options import check_adam, check_implementation

__all__ = ["Adam", "AdamW"]


class Adam(NativeOptimizer):
    """Adam (Kingma and Ba, 2014).

    ``m = b1 * m + (1 - b1) * grad``, ``v = b2 * v + (1 - b2) * grad**2``,
    ``param -= lr * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + eps)``.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the learning rate. Default: 1e-3.
        betas: b1 and b2. Default: (0.9, 0.999).
        eps: added to the denominator. Default: 1e-8.
        weight_decay: this times the parameter is added to the gradient. Default: 0.
        amsgrad: divide by the largest ``v`` so far (Reddi et al., 2018).
        maximize: ascend instead of descend.
        foreach, capturable: accepted for compatibility.
        differentiable: step with ops that autograd records; parameters need not be leaves then.
        fused: False for a step of plain ops. Default: the native step. True also says that a gradient scaler may
            leave unscaling to the step.
        decoupled_weight_decay: decay the parameter itself, as :class:`AdamW` does.

    Raises:
        ValueError: for a negative option, or a beta outside ``[0, 1)``.

    >>> w = tallow.tensor([1.0])
    >>> w.grad = tallow.tensor([5.0])
    >>> Adam([w], lr=0.1).step()
    >>> round(w.item(), 4)
    0.9
    """

    _op = staticmethod(ops.optim.adam_step)
    _options = ("lr", "betas", "eps", "weight_decay")
    _flags = ("maximize", "decoupled_weight_decay")
    _sparse_hint = "Adam does not support sparse gradients, please consider SparseAdam instead"
    _supports_fused = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        _check_tensor("lr", lr, foreach, capturable)
        check_adam(lr, betas, eps, weight_decay)
        if not (all(isinstance(b, float) for b in betas) or all(isinstance(b, Tensor) for b in betas)):
            raise ValueError("betas must be either both floats or both Tensors")
        for i, beta in enumerate(betas):
            _check_tensor(f"betas[{i}]", beta, foreach, capturable)
        check_implementation(foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "betas": tuple(float(b) for b in betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _tensors(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return "exp_avg", "exp_avg_sq", "max_exp_avg_sq" if group["amsgrad"] else None

    def _step_plain(self, group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        t = counted(group, state)
        grad = decayed(group, param, grad, group["decoupled_weight_decay"])
        mean, variance = averages(group, grad, state)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = variance = tallow.maximum(state["max_exp_avg_sq"], variance)
        denominator = variance.sqrt() / (1 - beta2**t) ** 0.5 + group["eps"]
        param.sub_(mean / denominator * (lr / (1 - beta1**t)))


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2017): ``param *= 1 - lr * weight_decay`` first.

    Arguments as :class:`Adam`; `weight_decay` is 1e-2 by default.

    >>> w = tallow.tensor([1.0])
    >>> w.grad = tallow.tensor([5.0])
    >>> AdamW([w], lr=0.1, weight_decay=0.5).step()
    >>> round(w.item(), 4)
    0.85
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


def _check_tensor(name: str, value: Any, foreach: bool | None, capturable: bool) -> None:
    if isinstance(value, Tensor):
        if foreach and not capturable:
            raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
        if value.numel() != 1:
            raise ValueError(f"Tensor {name} must be 1-element")
