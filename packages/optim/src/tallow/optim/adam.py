"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tallow
from tallow import Tensor, ops

from ._options import check_implementation, check_lr, check_not_negative, for_native
from .optimizer import Optimizer

__all__ = ["Adam", "AdamW"]

_ops = ops.optim


class Adam(Optimizer):
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
        fused: False for a step of plain ops. Default: the native step.
        decoupled_weight_decay: decay the parameter itself, as :class:`AdamW` does.

    Raises:
        ValueError: for a negative option, or a beta outside ``[0, 1)``.

    >>> w = tallow.tensor([1.0])
    >>> w.grad = tallow.tensor([5.0])
    >>> Adam([w], lr=0.1).step()
    >>> round(w.item(), 4)
    0.9
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
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
        check_lr(lr)
        if not 0.0 <= eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for i, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
        check_not_negative("weight_decay", weight_decay)
        check_implementation(foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
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

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; returns what `closure` returned."""
        loss = self._evaluate(closure)
        for group in self.param_groups:
            params, grads = self._gather(group)
            if not params:
                continue
            states = [self.state[p] for p in params]
            if not all(states):
                _start(group, params, states)
            with tallow.no_grad():
                taken = for_native(group, params, grads)
                if taken is not None:
                    _step_native(group, params, taken, states)
            if taken is None:
                with tallow.set_grad_enabled(group["differentiable"]):
                    for param, grad, state in zip(params, grads, states, strict=True):
                        _step_plain(group, param, grad, state)
        return loss


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
        betas: tuple[float, float] = (0.9, 0.999),
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


def _start(group: dict[str, Any], params: list[Tensor], states: list[dict[str, Any]]) -> None:
    """Make the state of parameters that are stepped for the first time."""
    for param, state in zip(params, states, strict=True):
        if state:
            continue
        state["step"] = tallow.tensor(0.0, dtype=tallow.float32)
        names = ["exp_avg", "exp_avg_sq"] + ["max_exp_avg_sq"] * group["amsgrad"]
        for name in names:
            state[name] = tallow.zeros_like(param, requires_grad=False)


def _step_native(group: dict[str, Any], params: list, grads: list, states: list[dict[str, Any]]) -> None:
    beta1, beta2 = group["betas"]
    amsgrad = group["amsgrad"]
    _ops.adamw_step(
        params,
        grads,
        [s["exp_avg"] for s in states],
        [s["exp_avg_sq"] for s in states],
        [s["max_exp_avg_sq"] for s in states] if amsgrad else [],
        [s["step"] for s in states],
        lr=float(group["lr"]),
        beta1=float(beta1),
        beta2=float(beta2),
        weight_decay=float(group["weight_decay"]),
        eps=float(group["eps"]),
        amsgrad=amsgrad,
        maximize=group["maximize"],
        decoupled=group["decoupled_weight_decay"],
    )


def _step_plain(group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
    """One parameter's step in plain ops. Nothing that autograd saved is written over, so it can be recorded."""
    lr, (beta1, beta2) = group["lr"], group["betas"]
    weight_decay, eps = group["weight_decay"], group["eps"]
    state["step"] = step = state["step"] + 1
    if group["maximize"]:
        grad = -grad
    if weight_decay != 0:
        if group["decoupled_weight_decay"]:
            param.mul_(1 - lr * weight_decay)
        else:
            grad = grad + param * weight_decay
    # A complex number is two real ones: squares, roots and maxima are taken of each.
    parts, whole = _part_views(param)
    state["exp_avg"] = mean = state["exp_avg"] * beta1 + grad * (1 - beta1)
    variance = parts(state["exp_avg_sq"]) * beta2 + parts(grad).square() * (1 - beta2)
    state["exp_avg_sq"] = whole(variance)
    if group["amsgrad"]:
        variance = tallow.maximum(parts(state["max_exp_avg_sq"]), variance)
        state["max_exp_avg_sq"] = whole(variance)
    t = step if group["differentiable"] else step.item()
    denominator = variance.sqrt() / (1 - beta2**t) ** 0.5 + eps
    param.sub_(whole(parts(mean) / denominator) * (lr / (1 - beta1**t)))


def _part_views(param: Tensor) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """How to see a tensor like `param` as real numbers, and back."""
    if param.is_complex():
        return tallow.view_as_real, tallow.view_as_complex
    return _same, _same


def _same(tensor: Tensor) -> Tensor:
    return tensor
