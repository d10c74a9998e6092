"""One row per way of calling an op: what the gradient checks run over.

``row("mul", lambda x, y: x * y, (3, 2), (2,))`` calls the function with float64 tensors of these shapes that require
grad. Numbers are drawn from ``low .. high`` (away from zero by ``gap``), the same in every run. ``kinds`` says for
which numbers the op is defined: "r" real, "c" complex. ``names`` are the rules that the row checks.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tallow


@dataclass
class Row:
    names: tuple[str, ...]
    call: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    kinds: str = "r"
    low: float = -1.5
    high: float = 1.5
    gap: float = 0.15
    twice: bool = True  # whether the second derivative is checked, too
    distinct: bool = False  # no two equal numbers: for sorting and extrema
    tolerance: dict[str, float] = field(default_factory=dict)

    def inputs(self, kind: str) -> list[tallow.Tensor]:
        rng = random.Random(len(self.shapes) + 17 * len(self.names[0]))
        return [_tensor(rng, s, kind, self, 0.13 * i) for i, s in enumerate(self.shapes)]


def _number(rng: random.Random, row: Row) -> float:
    while True:
        v = rng.uniform(row.low, row.high)
        if abs(v) >= row.gap:
            return v


def _tensor(rng: random.Random, shape: tuple[int, ...], kind: str, row: Row, shift: float) -> tallow.Tensor:
    n = 1
    for s in shape:
        n *= s
    values: list[Any] = [_number(rng, row) for _ in range(n)]
    if row.distinct:
        values = [row.low + (row.high - row.low) * (i + 0.5 + shift) / max(n, 1) for i in range(n)]
        rng.shuffle(values)
    if kind == "c":
        values = [complex(v, _number(rng, row)) for v in values]
    dtype = tallow.complex128 if kind == "c" else tallow.float64
    return tallow.tensor(values, dtype=dtype).reshape(shape).requires_grad_()


def row(names: str, call: Callable[..., Any], *shapes: tuple[int, ...], **options: Any) -> Row:
    return Row(tuple(names.split()), call, shapes, **options)


def unary(name: str, **options: Any) -> list[Row]:
    """An elementwise function of one tensor, also of a 0-dim one."""
    return [
        row(name, lambda x: getattr(x, name)(), (2, 3), **options),
        row(name, lambda x: getattr(x, name)(), (), **options),
    ]


def int64(*values: Any) -> tallow.Tensor:
    return tallow.tensor(values[0] if len(values) == 1 else values, dtype=tallow.int64)


def mask(values: Any) -> tallow.Tensor:
    return tallow.tensor(values, dtype=tallow.bool)


def all_rows() -> list[Row]:
    """The rows of all families: every file ``samples_*.py`` beside this one."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("samples_*.py"))
    return [r for name in names for r in importlib.import_module(name).ROWS]
