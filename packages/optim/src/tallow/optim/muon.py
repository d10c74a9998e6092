"""Muon."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import tallow
from tallow import Tensor

from ._options import check_lr
from .optimizer import Optimizer

__all__ = ["Muon"]


class Muon(Optimizer):
    """Muon (Jordan et al., 2024): momentum whose matrix is made orthogonal before it is subtracted.

    It is for the matrices of hidden layers; embeddings, biases and the like need another optimizer. The update is
    brought near to the nearest orthogonal matrix by a Newton-Schulz iteration in bfloat16,
    ``X = a X + (b G + c G G) X`` with ``G = X X^T``.

    Args:
        params: 2-D tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the learning rate. Default: 1e-3.
        weight_decay: of the parameter itself. Default: 0.1.
        momentum, nesterov: of the running mean of gradients. Default: 0.95, True.
        ns_coefficients: a, b and c. Default: (3.4445, -4.775, 2.0315).
        eps: the least norm that an update is divided by. Default: 1e-7.
        ns_steps: how often to iterate, below 100. Default: 5.
        adjust_lr_fn: how the rate depends on the shape ``(n, m)``: "original" or None times
            ``sqrt(max(1, n / m))``; "match_rms_adamw" times ``0.2 * sqrt(max(n, m))`` (Liu et al., 2025).

    Raises:
        ValueError: for a negative option, another `adjust_lr_fn`, or a parameter that is not 2-D.
        RuntimeError: in a step, for a complex parameter.

    >>> w = tallow.zeros(2, 2)
    >>> w.grad = tallow.eye(2)
    >>> Muon([w], lr=0.1, weight_decay=0).step()
    >>> [[round(x, 1) for x in row] for row in w.tolist()]
    [[-0.1, 0.0], [0.0, -0.1]]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_lr(lr, "Learning rate should be >= 0 but is: {}")
        if not 0.0 <= momentum:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {param.size()}"
                    )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; returns what `closure` returned."""
        loss = self._evaluate(closure)
        with tallow.no_grad():
            for group in self.param_groups:
                params, grads = self._gather(group)
                self._refuse_sparse(grads)
                for param, grad in zip(params, grads, strict=True):
                    if param.is_complex():
                        raise RuntimeError("Muon does not support complex parameters")
                    self._step(group, param, grad)
        return loss

    def _step(self, group: dict[str, Any], param: Tensor, grad: Tensor) -> None:
        lr, momentum = group["lr"], group["momentum"]  # factors have the precision of a rate that is a tensor
        state = self.state[param]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = tallow.zeros_like(grad)
        buffer = state["momentum_buffer"].lerp_(grad, 1 - momentum)
        update = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
        update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        param.mul_(float(1 - lr * group["weight_decay"]))
        param.add_(update, alpha=-float(lr * _scale(group["adjust_lr_fn"], *param.shape)))


def _orthogonal(matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """Roughly ``U V^T`` where `matrix` is ``U S V^T``: the singular values end between about 0.7 and 1.2."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.bfloat16()
    if tall:
        x = x.T
    x = (x / x.norm().clamp(min=eps)).float()
    # Values of bfloat16 in float tensors: products and sums are rounded once, at the end of each line.
    for _ in range(steps):
        gram = _rounded(x @ x.T)
        inner = _rounded((gram @ gram).mul_(c).add_(gram, alpha=b))
        x = _rounded((inner @ x).add_(x, alpha=a))
    return x.T if tall else x


def _rounded(x: Tensor) -> Tensor:
    return x.bfloat16().float()


def _scale(rule: str | None, rows: int, columns: int) -> float:
    if rule == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
