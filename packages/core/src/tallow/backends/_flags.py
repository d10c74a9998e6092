"""A backend's switches: a module's attributes that ``flags(...)`` sets for a block."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any


def flags_of(module: ModuleType) -> Callable[..., contextlib.AbstractContextManager[None]]:
    """``flags(**switches)``: a context in which switches of the module have other values."""

    @contextlib.contextmanager
    def flags(**switches: Any) -> Iterator[None]:
        before = {}
        for name in switches:
            if not hasattr(module, name):
                raise TypeError(f"{module.__name__}.flags: got an unexpected keyword argument {name!r}")
            before[name] = getattr(module, name)
        try:
            for name, value in switches.items():
                setattr(module, name, value)
            yield
        finally:
            for name, value in before.items():
                setattr(module, name, value)

    return flags
