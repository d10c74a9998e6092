"""Checks of options that several optimizers share."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Tensor


def check_lr(lr: Any) -> None:
    """ValueError unless `lr` is a number that is not negative, or a tensor of one."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not 0.0 <= float(lr):
        raise ValueError(f"Invalid learning rate: {lr}")


def check_not_negative(name: str, value: Any) -> None:
    """ValueError if `value` is negative; `name` is how the message calls it."""
    if not 0.0 <= float(value):
        raise ValueError(f"Invalid {name} value: {value}")


def check_implementation(foreach: bool | None, fused: bool | None, differentiable: bool) -> None:
    """RuntimeError for choices of implementation that exclude each other."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


_NATIVE_DTYPES = {tallow.float32, tallow.float64}
_is_contiguous = Tensor.is_contiguous


def for_native(group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> list[Tensor] | None:
    """The gradients as the native step takes them, or None where plain ops must do it.

    It takes float32 and float64 that lie in memory without gaps, the gradient as its parameter; ``fused=False`` asks
    for plain ops, in the same order of operations.
    """
    if group["differentiable"] or group["fused"] is False or not {p.dtype for p in params} <= _NATIVE_DTYPES:
        return None
    if all(map(_is_contiguous, params)) and all(map(_is_contiguous, grads)):
        return grads
    layouts = [tallow.empty_like(p, requires_grad=False) for p in params]
    if any(e.stride() != p.stride() for e, p in zip(layouts, params, strict=True)):
        return None
    return [e.copy_(g) for e, g in zip(layouts, grads, strict=True)]
