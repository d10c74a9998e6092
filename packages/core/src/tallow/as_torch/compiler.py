"""``torch.compiler`` where nothing is compiled."""

from __future__ import annotations

from typing import Any

__all__ = ["disable", "is_compiling"]


def is_compiling() -> bool:
    """Whether the code is being compiled."""
    return False


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Marks a function that is not to be compiled, as ``@disable`` or ``@disable()``."""
    return fn if fn is not None else lambda f: f
