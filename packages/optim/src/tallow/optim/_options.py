"""Checks of options that several optimizers share."""

from __future__ import annotations

from typing import Any

from tallow import Tensor

__all__ = ["check_adam", "check_betas", "check_implementation", "check_lr", "check_not_negative"]


def check_lr(lr: Any, what: str = "Invalid learning rate: {}") -> None:
    """ValueError unless `lr` is a number that is not negative, or a tensor of one."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not 0.0 <= lr:
        raise ValueError(what.format(lr))


def check_not_negative(name: str, value: Any) -> None:
    """ValueError if `value` is negative; `name` is how the message calls it."""
    if not 0.0 <= value:
        raise ValueError(f"Invalid {name} value: {value}")


def check_betas(betas: Any) -> None:
    """ValueError unless both are in ``[0, 1)``."""
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")


def check_adam(lr: Any, betas: Any, eps: Any, weight_decay: Any) -> None:
    """ValueError for an option out of range of those that Adam and its relatives share."""
    check_lr(lr)
    check_not_negative("epsilon", eps)
    check_betas(betas)
    check_not_negative("weight_decay", weight_decay)


def check_implementation(foreach: bool | None, fused: bool | None, differentiable: bool) -> None:
    """RuntimeError for choices of implementation that exclude each other."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
