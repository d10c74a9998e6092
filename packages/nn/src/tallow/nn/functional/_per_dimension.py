"""Functions that exist for one, two and three spatial dimensions and differ in nothing else: written once each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable)

#: What an input is, with a batch and without, by its number of spatial dimensions.
SHAPES = {
    1: "``(N, C, L)`` or ``(C, L)``",
    2: "``(N, C, H, W)`` or ``(C, H, W)``",
    3: "``(N, C, D, H, W)`` or ``(C, D, H, W)``",
}


def named(function: F, name: str, doc: str) -> F:
    """`function` under the name and with the documentation of one of its kinds."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function
