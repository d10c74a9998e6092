# ruff: noqa: E501 - a row of a table is a line
"""Rows of running sums, products and extrema, differences and trapezoids."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import COMPLEX, FLOATS, INEXACT, INTS, REALS, A, E, S, Sample, aliases

LOOSE = {"float16": (5e-3, 5e-3), "bfloat16": (3e-2, 3e-2), "float32": (1e-5, 1e-5), "complex64": (1e-5, 1e-5)}


def running(accumulate: Any, better: Any) -> Any:
    """Values so far along dim and where they stand, the last of equal ones."""

    def both(a: Any, dim: int) -> Any:
        values = accumulate(a, axis=dim)
        position = np.indices(a.shape)[dim]
        return values, np.maximum.accumulate(np.where(a == values, position, 0), axis=dim)

    return both


cummax, cummin = running(np.maximum.accumulate, np.greater_equal), running(np.minimum.accumulate, np.less_equal)
D = A(4, 6, distinct=True)

ROWS: list[Sample] = [
    S("cumsum", (A(4, 5), 1), ref=np.cumsum, dtypes=INEXACT + INTS, result="sum", tolerance=LOOSE, big=(A(700, 300), 1)),
    S("cumsum", (A(3, 4, 5), 0), ref=np.cumsum, dtypes=INEXACT, tolerance=LOOSE, big=(A(700, 300), 0)),
    S("cumprod", (A(4, 5, low=0.5), 1), ref=np.cumprod, dtypes=INEXACT + INTS, result="sum", tolerance=LOOSE, big=(A(700, 300, low=0.99, high=1.01), 1)),
    S("cumprod", (A(3, 4, 2), -2), ref=np.cumprod, dtypes=FLOATS, tolerance=LOOSE),
    S("cummax", (D, 1), ref=cummax, dtypes=REALS, result=None, big=(A(700, 300), 0)),
    S("cummax", (D, 0), ref=cummax, dtypes=FLOATS, result=None),
    S("cummin", (D, 1), ref=cummin, dtypes=REALS, result=None, big=(A(700, 300), 0)),
    S("cummin", (D, 0), ref=cummin, dtypes=FLOATS, result=None),
    S("logcumsumexp", (A(4, 5), 1), ref=lambda a, d: np.log(np.cumsum(np.exp(a), d)), dtypes=FLOATS, tolerance=LOOSE, big=(A(700, 300), 1)),
    S("diff", (A(4, 5),), ref=np.diff, dtypes=REALS + COMPLEX),
    S("diff", (A(4, 5), 2, 0), ref=np.diff, dtypes=FLOATS, tolerance={"float16": (1e-2, 1e-2), "bfloat16": (5e-2, 5e-2)}),
    S("diff", (A(4, 5),), {"prepend": A(4, 1), "append": A(4, 2)}, lambda a, prepend, append: np.diff(a, prepend=prepend, append=append), dtypes=FLOATS),
    S("trapezoid", (A(4, 5),), ref=lambda y: np.trapezoid(y) if hasattr(np, "trapezoid") else np.trapz(y), dtypes=FLOATS, tolerance=LOOSE),
    S("trapezoid", (A(4, 5), A(5, distinct=True)), ref=lambda y, x: ((y[..., 1:] + y[..., :-1]) / 2 * np.diff(x)).sum(-1), dtypes=FLOATS, tolerance=LOOSE),
    S("trapezoid", (A(4, 5),), {"dx": 0.5, "dim": 0}, lambda y, dx, dim: ((y[1:] + y[:-1]) / 2 * dx).sum(0), dtypes=FLOATS, tolerance=LOOSE),
    S("cumulative_trapezoid", (A(4, 5),), ref=lambda y: ((y[..., 1:] + y[..., :-1]) / 2).cumsum(-1), dtypes=FLOATS, tolerance=LOOSE),
]  # fmt: skip
ROWS += aliases(ROWS, {"trapz": "trapezoid"})

ERRORS = [
    E("cumsum", (A(3), 1), IndexError, "Dimension out of range"),
    E("cummax", (A(3), 2), IndexError, "Dimension out of range"),
    E("diff", (A(),), RuntimeError, "diff expects input to be at least one-dimensional"),
]
