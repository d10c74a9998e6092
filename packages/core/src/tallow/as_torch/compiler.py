"""``torch.compiler`` where nothing is compiled."""

from __future__ import annotations

from typing import Any

from tallow._compile import compile

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
    "set_stance",
]


def is_compiling() -> bool:
    """Whether the code is being compiled."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Marks a function that is not to be compiled, as ``@disable`` or ``@disable()``."""
    return fn if fn is not None else lambda f: f


def allow_in_graph(fn: Any) -> Any:
    """Marks a function, or each of a list, that a compiler takes as it is."""
    return fn


def assume_constant_result(fn: Any) -> Any:
    """Marks a function that always returns the same."""
    return fn


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """The compilers that there are."""
    return []


def reset() -> None:
    """Forgets what was compiled."""


def cudagraph_mark_step_begin() -> None:
    """Marks where a step of training begins."""


class set_stance:
    """How eagerly to compile: a call, a context or a decorator."""

    def __init__(self, stance: str = "default", **options: Any) -> None:
        self.stance = stance

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc_info: object) -> None:
        return None

    def __call__(self, fn: Any) -> Any:
        return fn
