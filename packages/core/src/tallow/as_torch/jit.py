"""``torch.jit`` where tallow-script is not installed: code that is written to be scripted as well runs as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

__all__ = ["Final", "annotate", "export", "ignore", "is_scripting", "is_tracing", "script_if_tracing", "unused"]

F = TypeVar("F", bound=Callable[..., Any])


def is_scripting() -> bool:
    """Whether the code is being compiled."""
    return False


def is_tracing() -> bool:
    """Whether the code is being traced."""
    return False


def script_if_tracing(fn: F) -> F:
    """Marks a function that is compiled where it is called while tracing: nothing is traced."""
    return fn


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value: its type is only for a compiler."""
    return the_value


def export(fn: F) -> F:
    """Marks a method for a compiler."""
    return fn


def unused(fn: F) -> F:
    """Marks a method that a compiler leaves out."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Marks a method that a compiler leaves to Python, as ``@ignore`` or ``@ignore(drop=...)``."""
    return drop if callable(drop) else export
