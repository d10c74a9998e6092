"""The rule ``autocast`` for functions that are written in Python; ops have theirs in the registry."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import tallow
from tallow import ops

F = TypeVar("F", bound=Callable[..., Any])


def runs_in_float32(function: F) -> F:
    """Under autocast the tensors that the function is given are cast to float32, and its ops take what comes.

    >>> import tallow
    >>> from tallow.amp._rules import runs_in_float32
    >>> @runs_in_float32
    ... def f(x):
    ...     return x + 1
    >>> with tallow.autocast("cpu"):
    ...     f(tallow.ones(1, dtype=tallow.bfloat16)).dtype
    tallow.float32
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if not (_enabled("cpu") or _enabled("cuda")):
            return function(*args, **kwargs)
        from .autocast_mode import _cast, autocast

        device = next((x.device.type for x in (*args, *kwargs.values()) if isinstance(x, tallow.Tensor)), "cpu")
        if not _enabled(device):
            return function(*args, **kwargs)
        with autocast(device, enabled=False):
            return function(
                *(_cast(x, device, tallow.float32) for x in args),
                **{name: _cast(x, device, tallow.float32) for name, x in kwargs.items()},
            )

    return run  # type: ignore[return-value]


_enabled = ops.autocast.is_enabled
