"""Limiting gradients by norm or by value."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterable

import tallow
from tallow import Tensor, ops

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

_ops = ops.nn
_Tensors = Tensor | Iterable[Tensor]


def _as_list(tensors: _Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _in_one_pass(tensors: list[Tensor]) -> bool:
    """Whether the native loops over several tensors take these: dense, of one floating dtype, on the CPU."""
    dtype = tensors[0].dtype
    return dtype in (tallow.float32, tallow.float64) and all(
        t.dtype == dtype and t.device.type == "cpu" and t.is_contiguous() for t in tensors
    )


def get_total_norm(
    tensors: _Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all tensors together, as if they were one vector: a 0-dim tensor.

    Args:
        norm_type: the order of the norm; may be ``inf``.
        error_if_nonfinite: raise if the norm is not finite. Default: False.
        foreach: accepted for compatibility.

    Raises:
        RuntimeError: if it is not finite and `error_if_nonfinite`.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.utils.get_total_norm([tallow.tensor([3.0]), tallow.tensor([4.0])]).item()
    5.0
    """
    norm_type = float(norm_type)
    gradients = _as_list(tensors)
    with tallow.no_grad():
        if not gradients:
            return tallow.tensor(0.0)
        if norm_type == 2.0 and _in_one_pass(gradients):
            total = _ops.total_norm(gradients)
        else:
            norms = [t.norm(norm_type) for t in gradients]
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
    """Scale the gradients by ``max_norm / total_norm`` where that is below 1.

    >>> import tallow
    >>> from tallow import nn
    >>> w = nn.Parameter(tallow.zeros(2))
    >>> w.grad = tallow.tensor([3.0, 4.0])
    >>> nn.utils.clip_grads_with_norm_([w], 1.0, tallow.tensor(5.0))
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    gradients = [p.grad for p in _as_list(parameters) if p.grad is not None]
    if not gradients:
        return
    with tallow.no_grad():
        # Always multiplied, so that nothing waits for the value of the norm.
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        if factor.device.type == "cpu" and _in_one_pass(gradients):
            _ops.scale_all_(gradients, factor)
            return
        for gradient in gradients:
            gradient.mul_(factor.to(gradient.device))


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
    if not params and isinstance(parameters, types.GeneratorType):
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    total = get_total_norm([p.grad for p in params if p.grad is not None], norm_type, error_if_nonfinite)
    clip_grads_with_norm_(params, max_norm, total)
    return total


def clip_grad_norm(
    parameters: _Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of :func:`clip_grad_norm_`, with a warning."""
    warnings.warn(
        "`nn.utils.clip_grad_norm` is now deprecated in favor of `nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: _Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every element of the gradients, in place, to ``[-clip_value, clip_value]``.

    >>> import tallow
    >>> from tallow import nn
    >>> w = nn.Parameter(tallow.zeros(2))
    >>> w.grad = tallow.tensor([5.0, -0.5])
    >>> nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad.tolist()
    [1.0, -0.5]
    """
    limit = float(clip_value)
    with tallow.no_grad():
        for param in _as_list(parameters):
            if param.grad is not None:
                param.grad.clamp_(-limit, limit)
