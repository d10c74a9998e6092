"""``torch.__future__``: how modules are converted. Here their tensors are always replaced within their parameters."""

from __future__ import annotations

_overwrite = _swap = False


def set_overwrite_module_params_on_conversion(value: bool) -> None:
    """Kept for programs that read it back."""
    global _overwrite
    _overwrite = value


def get_overwrite_module_params_on_conversion() -> bool:
    """What was set."""
    return _overwrite


def set_swap_module_params_on_conversion(value: bool) -> None:
    """Kept for programs that read it back."""
    global _swap
    _swap = value


def get_swap_module_params_on_conversion() -> bool:
    """What was set."""
    return _swap
