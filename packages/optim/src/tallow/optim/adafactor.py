"""Adafactor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tallow
from tallow import Tensor

from ._native import new_number
from ._options import check_lr
from .optimizer import Optimizer

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Adafactor (Shazeer and Stern, 2018): the second moment of a matrix is kept as its row and column means.

    The state of an ``n x m`` parameter is ``n + m`` numbers. Steps are relative to the parameter's size and
    clipped; what is decayed by ``weight_decay`` is the parameter itself.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups. No complex ones.
        lr: the learning rate, which is at most ``1 / sqrt(t)``. Default: 1e-2.
        beta2_decay: the running means take ``t**beta2_decay`` of the new value. Default: -0.8.
        eps: the least second moment is the square of the first (None: the dtype's own epsilon), the least size of a
            parameter is the second. Default: (None, 1e-3).
        d: the largest root mean square of an update. Default: 1.
        weight_decay: as above. Default: 0.
        foreach: accepted for compatibility.
        maximize: ascend instead of descend.

    Raises:
        ValueError: for a negative option, a positive `beta2_decay` or `d` below 1.
        RuntimeError: in a step, for a complex parameter.

    >>> w = tallow.ones(2, 3)
    >>> w.grad = tallow.full((2, 3), 5.0)
    >>> opt = Adafactor([w], lr=0.1)
    >>> opt.step()
    >>> round(w[0, 0].item(), 4), sorted(opt.state[w])
    (0.9, ['col_var', 'row_var', 'step'])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_lr(lr, "Learning rate should be >= 0 but is: {}")
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; returns what `closure` returned."""
        loss = self._evaluate(closure)
        with tallow.no_grad():
            for group in self.param_groups:
                params, grads = self._gather(group)
                self._refuse_sparse(grads)
                for param, grad in zip(params, grads, strict=True):
                    if param.is_complex():
                        raise RuntimeError("Adafactor does not support complex parameters")
                    state = self.state[param]
                    if not state:
                        _start(state, grad)
                    _step(group, param, -grad if group["maximize"] else grad, state)
        return loss


def _start(state: dict[str, Any], grad: Tensor) -> None:
    state["step"] = new_number(0.0)
    if grad.dim() > 1:
        shape = list(grad.shape)
        state["row_var"] = grad.new_zeros([*shape[:-1], 1])
        state["col_var"] = grad.new_zeros([*shape[:-2], 1, shape[-1]])
    else:
        state["variance"] = tallow.zeros_like(grad)


def _step(group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
    lr, (eps1, eps2) = float(group["lr"]), group["eps"]
    if eps1 is None:
        eps1 = tallow.finfo(param.dtype).eps
    t = state["step"].add_(1).item()
    fresh = t ** group["beta2_decay"]
    size = max(eps2, param.norm(2).item() / param.numel() ** 0.5)
    if group["weight_decay"] != 0:
        param.mul_(1 - lr * group["weight_decay"])
    squares = grad.square()
    if grad.dim() > 1:
        rows = state["row_var"].lerp_(squares.mean(dim=-1, keepdim=True), fresh)
        columns = state["col_var"].lerp_(squares.mean(dim=-2, keepdim=True), fresh)
        variance = rows * (columns / rows.mean(dim=-2, keepdim=True).clamp_(min=eps1))
    else:
        variance = state["variance"].lerp_(squares, fresh).clone()
    update = variance.clamp_(min=eps1 * eps1).rsqrt_().mul_(grad)
    excess = max(1.0, update.norm(2).item() / (update.numel() ** 0.5 * group["d"]))
    param.add_(update, alpha=-size * min(lr, 1 / t**0.5) / excess)
