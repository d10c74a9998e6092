"""NAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tallow import Tensor, ops

from ._native import NativeOptimizer, averages, counted, decayed, new_number
from ._options import check_adam, check_not_negative

__all__ = ["NAdam"]


class NAdam(NativeOptimizer):
    """Adam with Nesterov momentum (Dozat, 2016).

    Like Adam, but each step looks one step ahead, with a momentum that grows:
    ``mu_t = b1 * (1 - 0.96**(t * momentum_decay) / 2)``.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the learning rate. Default: 2e-3.
        betas, eps, weight_decay, decoupled_weight_decay: as in :class:`Adam`.
        momentum_decay: as above. Default: 4e-3.
        maximize: ascend instead of descend.
        foreach, capturable: accepted for compatibility.
        differentiable: step with ops that autograd records; parameters need not be leaves then.

    Raises:
        ValueError: for a negative option, or a beta outside ``[0, 1)``.

    >>> import tallow
    >>> w = tallow.tensor([1.0])
    >>> w.grad = tallow.tensor([5.0])
    >>> NAdam([w], lr=0.1).step()
    >>> round(w.item(), 4)
    0.8944
    """

    _op = staticmethod(ops.optim.nadam_step)
    _options = ("lr", "betas", "eps", "weight_decay", "momentum_decay")
    _flags = ("maximize", "decoupled_weight_decay")
    _numbers = ("step", "mu_product")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_adam(lr, betas, eps, weight_decay)
        check_not_negative("momentum_decay", momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _tensors(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return "exp_avg", "exp_avg_sq"

    def _start(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        super()._start(group, param, state)
        state["mu_product"] = new_number(1.0)

    def _step_plain(self, group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        lr, (beta1, beta2), decay = group["lr"], group["betas"], group["momentum_decay"]
        t = counted(group, state)
        grad = decayed(group, param, grad, group["decoupled_weight_decay"])
        mean, variance = averages(group, grad, state)
        momentum, following = (beta1 * (1.0 - 0.5 * 0.96 ** (k * decay)) for k in (t, t + 1))
        state["mu_product"] = product = state["mu_product"] * momentum
        if not group["differentiable"]:
            product = product.item()
        denominator = (variance / (1 - beta2**t)).sqrt() + group["eps"]
        param.sub_(grad / denominator * (lr * (1.0 - momentum) / (1.0 - product)))
        param.sub_(mean / denominator * (lr * following / (1.0 - product * following)))
