"""Arguments that may be one number or one per dimension."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

Ints: TypeAlias = "int | tuple[int, ...]"


def each(value: Any, count: int) -> tuple[Any, ...]:
    """`value` as a tuple: a single number is repeated `count` times."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * count


def pair(value: Any) -> tuple[Any, ...]:
    """`value` as a tuple: a single number is repeated for both dimensions."""
    return each(value, 2)
