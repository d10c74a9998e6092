"""``compile`` where no compiler is installed: the function itself, so that a program that asks for one runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

_noted = False


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable[..., Any] | None = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    disable: bool = False,
    recompile_limit: int | None = None,
    isolate_recompiles: bool = False,
    shapes_spec: Any = None,
) -> Any:
    """The function or module itself, which gives the same results uncompiled; a warning says so once.

    Args:
        model: what to compile; without it a decorator is returned.
        fullgraph, dynamic, backend, mode, options, name, recompile_limit, isolate_recompiles, shapes_spec: how;
            accepted as torch has them.
        disable: with True nothing is said.

    Raises:
        TypeError: ``model`` cannot be called.
        RuntimeError: both ``mode`` and ``options`` are given.

    Example:
        >>> import tallow
        >>> @tallow.compile(disable=True)
        ... def double(x):
        ...     return 2 * x
        >>> double(tallow.ones(2))
        tensor([2., 2.])
    """
    global _noted
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if model is None:
        return lambda f: compile(f, mode=mode, options=options, disable=disable)
    if not callable(model):
        raise TypeError(f"compile: expected a function or a module, got {type(model).__name__}")
    if not _noted and not disable:
        _noted = True
        warnings.warn("compile: no compiler is installed; functions and modules run as they are", stacklevel=2)
    return model
