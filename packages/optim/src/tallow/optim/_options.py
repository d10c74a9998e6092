"""Checks of options that several optimizers share."""

from __future__ import annotations

from typing import Any

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


def is_native(group: dict[str, Any], params: list[Tensor]) -> bool:
    """Whether the native fused step takes this group; ``fused=False`` asks for plain ops, in the same order."""
    if group["differentiable"] or group["fused"] is False:
        return False
    return all(p.is_floating_point() for p in params)
