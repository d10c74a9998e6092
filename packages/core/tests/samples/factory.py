# ruff: noqa: E501 - a row of a table is a line
"""Rows of tensors made from sizes and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import ALL, REALS, A, E, S, Sample

MADE: dict[str, Any] = dict(dtypes=("float32",), result=None, grad=False)
LIKE: dict[str, Any] = dict(dtypes=ALL, grad=False, in_place=False)

ROWS: list[Sample] = [
    S("zeros", ([2, 3],), ref=np.zeros, **MADE),
    S("ones", ([2, 3],), ref=np.ones, **MADE),
    S("full", ([2, 3], 2.5), ref=np.full, **MADE),
    S("eye", (3,), ref=np.eye, **MADE),
    S("eye", (3, 4), ref=np.eye, **MADE),
    S("arange", (5,), ref=np.arange, **MADE),
    S("arange", (1, 10, 3), ref=np.arange, **MADE),
    S("arange", (0.5, 2.0, 0.25), ref=np.arange, **MADE),
    S("linspace", (0, 1, 7), ref=np.linspace, **MADE),
    S("logspace", (0, 2, 5), ref=np.logspace, **MADE),
    S("tril_indices", (3, 4, 1), ref=lambda r, c, k: np.array(np.tril_indices(r, k, c)), **MADE),
    S("triu_indices", (3, 4, -1), ref=lambda r, c, k: np.array(np.triu_indices(r, k, c)), **MADE),
    S("scalar_tensor", (3.5,), ref=np.array, **MADE),
    S("zeros_like", (A(2, 3),), ref=np.zeros_like, **LIKE),
    S("ones_like", (A(2, 3),), ref=np.ones_like, **LIKE),
    S("full_like", (A(2, 3), 1), ref=np.full_like, **LIKE),
    S("new_zeros", (A(2), [3, 4]), ref=lambda a, s: np.zeros(s), **LIKE),
    S("new_ones", (A(2), [3, 4]), ref=lambda a, s: np.ones(s), **LIKE),
    S("new_full", (A(2), [3, 4], 1), ref=lambda a, s, v: np.full(s, v), **LIKE),
    S("fill", (A(2, 3), 2), ref=lambda a, v: np.full(a.shape, v), dtypes=REALS),
]  # fmt: skip

ERRORS = [
    E("zeros", ([-1],), RuntimeError, "negative dimension"),
    E("arange", (0, 5, 0), RuntimeError, "step must be nonzero"),
    E("linspace", (0, 1, -1), RuntimeError, "number of steps must be non-negative"),
    E("eye", (-1,), RuntimeError, "n must be greater or equal to 0, got -1"),
]

_EMPTY = "its values are not defined; tests/factory covers its shape"
EXEMPT = {name: _EMPTY for name in ("empty", "empty_strided", "empty_permuted", "empty_like", "new_empty", "new_empty_strided")} | {
    "fill_": "rows of fill", "zero_": "tests/factory covers it", "copy_": "tests/shape covers it",
}  # fmt: skip
