"""SparseAdam."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import tallow
from tallow import Tensor

from ._options import check_betas, check_lr
from .optimizer import Optimizer

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam for gradients of sparse layout: elements that the gradient does not hold are left alone, their means too.

    Args:
        params: dense tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the learning rate. Default: 1e-3.
        betas, eps, maximize: as in :class:`Adam`.

    Raises:
        ValueError: for an option out of range, or a sparse or complex parameter.
        RuntimeError: in a step, for a dense gradient.

    >>> w = tallow.ones(2)
    >>> w.grad = tallow.ones(2)
    >>> SparseAdam([w]).step()
    Traceback (most recent call last):
    RuntimeError: SparseAdam does not support dense gradients, please consider Adam instead
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < float(lr):
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 < eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        sparse = self._positions(_is_sparse)
        if sparse:
            raise ValueError(f"Sparse params at indices {sparse}: SparseAdam requires dense parameter tensors")
        complex_ones = self._positions(Tensor.is_complex)
        if complex_ones:
            raise ValueError(
                f"Complex params at indices {complex_ones}: SparseAdam does not support complex parameters"
            )

    def _positions(self, test: Callable[[Tensor], bool]) -> list[list[int]]:
        return [
            [i, k]
            for i, group in enumerate(self.param_groups)
            for k, param in enumerate(group["params"])
            if test(param)
        ]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; returns what `closure` returned."""
        loss = self._evaluate(closure)
        with tallow.no_grad():
            for group in self.param_groups:
                for param, grad in zip(*self._gather(group), strict=True):
                    if not _is_sparse(grad):
                        raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
                    self._step(group, param, grad)
        return loss

    def _step(self, group: dict[str, Any], param: Tensor, grad: Any) -> None:
        state = self.state[param]
        if not state:
            state["step"] = 0
            state["exp_avg"] = tallow.zeros_like(param, requires_grad=False)
            state["exp_avg_sq"] = tallow.zeros_like(param, requires_grad=False)
        state["step"] += 1
        grad = grad.coalesce()  # the update is not linear: every place once
        values = -grad.values() if group["maximize"] else grad.values()
        if values.numel() == 0:
            return
        beta1, beta2 = group["betas"]
        t = state["step"]
        places = grad.indices().unbind()
        mean = state["exp_avg"][places].lerp_(values, 1 - beta1)
        variance = state["exp_avg_sq"][places].lerp_(values.square(), 1 - beta2)
        state["exp_avg"][places] = mean
        state["exp_avg_sq"][places] = variance
        step_size = float(group["lr"]) * math.sqrt(1 - beta2**t) / (1 - beta1**t)
        param[places] -= mean / variance.sqrt().add_(group["eps"]) * step_size


def _is_sparse(tensor: Any) -> bool:
    return bool(getattr(tensor, "is_sparse", False))
