# ruff: noqa: E501 - a row of a table is a line
"""Rows of comparisons, logic and bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import ALL, BOOL, COMPLEX, FLOATS, INTS, REALS, A, E, S, Sample, V, aliases

ORDERED = REALS + BOOL
SPECIAL = V([0.0, -0.0, 1.0, -2.5, math.inf, -math.inf, math.nan])


def compare(op: str, ref: Any, dtypes: Any, **options: Any) -> list[Sample]:
    return [
        S(op, (A(4, 5), A(4, 5)), ref=ref, dtypes=dtypes, result="bool", grad=False, big=(A(257, 401), A(401)), **options),
        S(op, (A(3, 1, 5), A(4, 1)), ref=ref, dtypes=dtypes[:1], result="bool", grad=False),
        S(op, (A(4, 5), A(4, 5)), ref=ref, dtypes=dtypes[:1], result="bool", grad=False),
        S(op, (SPECIAL, V([0.0, 0.0, 1.0, 1.0, math.inf, math.inf, math.nan])), ref=ref, dtypes=FLOATS, result="bool", grad=False),
    ]


def bits(op: str, ref: Any, dtypes: Any = INTS + BOOL, low: int = -60, high: int = 60, shift: int = 60) -> list[Sample]:
    return [
        S(op, (A(4, 5, low=low, high=high), A(5, low=0, high=shift)), ref=ref, dtypes=dtypes, big=(A(257, 401, low=low, high=high), A(401, low=0, high=shift))),
        S(op, (A(4, 5, low=low, high=high), 3), ref=ref, dtypes=INTS),
    ]


def logical(op: str, ref: Any) -> list[Sample]:
    return [
        S(op, (A(4, 5, low=-1, high=1), A(5, low=-1, high=1)), ref=ref, dtypes=ALL, result="bool", grad=False, big=(A(257, 401), A(401))),
        S(op, (SPECIAL, V([0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0])), ref=ref, dtypes=FLOATS, result="bool", grad=False),
    ]


def query(op: str, ref: Any, dtypes: Any) -> list[Sample]:
    return [
        S(op, (A(4, 5),), ref=ref, dtypes=dtypes, result="bool", grad=False, big=(A(257, 401),)),
        S(op, (SPECIAL,), ref=ref, dtypes=FLOATS, result="bool", grad=False),
    ]


def integers(f: Any) -> Any:
    """The shift of bool or integers as of integers."""
    return lambda a, b: f(np.asarray(a, np.int64), np.asarray(b, np.int64))


ROWS: list[Sample] = [
    *compare("eq", np.equal, ALL),
    *compare("ne", np.not_equal, ALL),
    *compare("lt", np.less, ORDERED),
    *compare("le", np.less_equal, ORDERED),
    *compare("gt", np.greater, ORDERED),
    *compare("ge", np.greater_equal, ORDERED),
    S("lt", (A(4, 5), 0.5), ref=np.less, dtypes=FLOATS + INTS, result="bool", grad=False),
    S("eq", (A(4, 5), 1), ref=np.equal, dtypes=ALL, result="bool", grad=False),
    *logical("logical_and", np.logical_and),
    *logical("logical_or", np.logical_or),
    *logical("logical_xor", np.logical_xor),
    *query("logical_not", np.logical_not, ALL),
    *query("isnan", np.isnan, ALL),
    *query("isinf", np.isinf, ALL),
    *query("isfinite", np.isfinite, ALL),
    *query("isposinf", lambda a: np.isposinf(a) if a.dtype.kind == "f" else np.zeros(a.shape, bool), REALS),
    *query("isneginf", lambda a: np.isneginf(a) if a.dtype.kind == "f" else np.zeros(a.shape, bool), REALS),
    *query("signbit", lambda a: np.signbit(a) if a.dtype.kind == "f" else a < 0, REALS),
    *query("isreal", np.isreal, ALL),
    *bits("bitwise_and", np.bitwise_and),
    *bits("bitwise_or", np.bitwise_or),
    *bits("bitwise_xor", np.bitwise_xor),
    *bits("bitwise_left_shift", integers(np.left_shift), INTS, low=0, high=3, shift=4),
    *bits("bitwise_right_shift", integers(np.right_shift), INTS, shift=4),
    S("bitwise_not", (A(4, 5, low=-60, high=60),), ref=np.bitwise_not, dtypes=INTS + BOOL, big=(A(257, 401, low=0, high=60),)),
    S("isclose", (V([1.0, 2.0, math.nan, math.inf]), V([1.0 + 1e-6, 2.1, math.nan, math.inf])), {"equal_nan": True}, np.isclose, dtypes=("float32", "float64"), result="bool", grad=False),
    S("isclose", (A(4, 5), A(5)), {"rtol": 0.5, "atol": 0.1}, lambda a, b, rtol, atol: np.abs(a - b) <= atol + rtol * np.abs(b), dtypes=FLOATS + INTS[:4] + COMPLEX, result="bool", grad=False),
]  # fmt: skip
ROWS += aliases(ROWS, {"greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le", "not_equal": "ne"})

ERRORS = [
    E("lt", (A(3), A(3)), RuntimeError, "lt", "complex64"),
    E("bitwise_and", (A(3), A(3)), RuntimeError, "bitwise_and"),
    E("bitwise_not", (A(3),), RuntimeError, "bitwise_not"),
    E("isclose", (A(3), A(3)), RuntimeError, "rtol must be greater than or equal to zero", rtol=-1.0),
    E("eq", (A(2), A(3)), RuntimeError, "must match the size"),
]
