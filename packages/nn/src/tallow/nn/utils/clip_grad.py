"""Limiting gradients by norm or by value."""

from __future__ import annotations

from collections.abc import Iterable

import tallow
from tallow import Tensor

_Tensors = Tensor | Iterable[Tensor]


def _as_list(tensors: _Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def get_total_norm(
    tensors: _Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all tensors together, as if they were one vector: a 0-dim tensor.

    Raises:
        RuntimeError: if it is not finite and `error_if_nonfinite`.
    """
    norm_type = float(norm_type)
    with tallow.no_grad():
        norms = [t.norm(norm_type) for t in _as_list(tensors)]
        if not norms:
            return tallow.tensor(0.0)
        total = tallow.stack([n.to(norms[0].device) for n in norms]).norm(norm_type)
        if error_if_nonfinite and not bool(total.isfinite()):
            raise RuntimeError(
                f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
                "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
                "`error_if_nonfinite=False`"
            )
        return total


def clip_grads_with_norm_(
    parameters: _Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale the gradients by ``max_norm / total_norm`` where that is below 1."""
    with tallow.no_grad():
        # Always multiplied, so that nothing waits for the value of the norm.
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for param in _as_list(parameters):
            if param.grad is not None:
                param.grad.mul_(factor.to(param.grad.device))


def clip_grad_norm_(
    parameters: _Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients, in place, so that their common norm is at most `max_norm`.

    Args:
        parameters: a tensor or tensors; those without gradient are left out.
        max_norm: the largest norm.
        norm_type: the order of the norm; may be ``inf``.
        error_if_nonfinite: raise if the norm is not finite. Default: False.
        foreach: accepted for compatibility.

    Returns:
        The norm before clipping, a 0-dim tensor.

    >>> from tallow import nn
    >>> p = nn.Parameter(tallow.zeros(2))
    >>> p.grad = tallow.tensor([3.0, 4.0])
    >>> nn.utils.clip_grad_norm_([p], 1.0).item()
    5.0
    >>> round(p.grad.norm().item(), 4)
    1.0
    """
    params = _as_list(parameters)
    total = get_total_norm([p.grad for p in params if p.grad is not None], norm_type, error_if_nonfinite)
    clip_grads_with_norm_(params, max_norm, total)
    return total


def clip_grad_value_(parameters: _Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every element of the gradients, in place, to ``[-clip_value, clip_value]``."""
    limit = float(clip_value)
    with tallow.no_grad():
        for param in _as_list(parameters):
            if param.grad is not None:
                param.grad.clamp_(-limit, limit)
