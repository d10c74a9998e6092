"""RAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tallow import Tensor, ops

from ._native import NativeOptimizer, averages, counted, decayed
from ._options import check_adam

__all__ = ["RAdam"]


class RAdam(NativeOptimizer):
    """Rectified Adam (Liu et al., 2019).

    Like Adam, but in the first steps, where the adaptive rate has too large a variance, with none; later the rate is
    scaled by how well that variance is known.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the learning rate. Default: 1e-3.
        betas, eps, weight_decay, decoupled_weight_decay: as in :class:`Adam`.
        maximize: ascend instead of descend.
        foreach, capturable: accepted for compatibility.
        differentiable: step with ops that autograd records; parameters need not be leaves then.

    Raises:
        ValueError: for a negative option, or a beta outside ``[0, 1)``.

    >>> import tallow
    >>> w = tallow.tensor([1.0])
    >>> w.grad = tallow.tensor([5.0])
    >>> RAdam([w], lr=0.1).step()
    >>> round(w.item(), 4)
    0.5
    """

    _op = staticmethod(ops.optim.radam_step)
    _options = ("lr", "betas", "eps", "weight_decay")
    _flags = ("maximize", "decoupled_weight_decay")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_adam(lr, betas, eps, weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _tensors(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return "exp_avg", "exp_avg_sq"

    def _step_plain(self, group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        t = counted(group, state)
        grad = decayed(group, param, grad, group["decoupled_weight_decay"])
        mean, variance = averages(group, grad, state)
        update = mean * (lr / (1 - beta1**t))
        # Lengths of the moving average: in the limit, and now.
        correction = 1 - beta2**t
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * t * beta2**t / correction
        if length > 5.0:
            rectified = ((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)) ** 0.5
            update = update / (variance.sqrt() + group["eps"]) * (correction**0.5 * rectified)
        param.sub_(update)
