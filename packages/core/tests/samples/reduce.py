# ruff: noqa: E501 - a row of a table is a line
"""Rows of reductions: sums, moments, extrema, logic, norms, softmax."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import ALL, BOOL, COMPLEX, FLOATS, INEXACT, INTS, REALS, A, E, S, Sample, V

HALF_SUMS = {"float16": (5e-3, 5e-3), "bfloat16": (3e-2, 3e-2)}
BIG = (A(300, 1111),)


def axis(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def reduction(op: str, ref: Any, dtypes: Any, dims: bool = True, **options: Any) -> list[Sample]:
    """Without dim, along one, along several with keepdim, of nothing."""
    options.setdefault("tolerance", HALF_SUMS)
    rows = [S(op, (A(4, 5),), ref=lambda a: ref(a, None, False), dtypes=dtypes, big=BIG, in_place=False, **options)]
    rows.append(S(op, (A(4, 5), 0), ref=lambda a, d: ref(a, d, False), dtypes=dtypes, big=(*BIG, 0), in_place=False, **options))
    if dims:
        rows.append(S(op, (A(3, 4, 5), [0, -1]), {"keepdim": True}, lambda a, d, keepdim: ref(a, axis(d), keepdim), dtypes=dtypes[:2], big=None, in_place=False, **options))
    rows.append(S(op, (A(3, 4, 5), 1), {"keepdim": True}, lambda a, d, keepdim: ref(a, d, keepdim), dtypes=dtypes[:2], big=(*BIG, 1), in_place=False, **options))
    return rows


def numpy_reduction(f: Any) -> Any:
    return lambda a, d, k: f(a, axis=d, keepdims=k)


def moment(f: Any) -> Any:
    return lambda a, d, k: f(a, axis=d, keepdims=k, ddof=1)


def extrema(f: Any, g: Any) -> Any:
    """Values and positions along a dimension, the plain value without one."""

    def both(a: Any, d: int, k: bool) -> Any:
        values, at = f(a, axis=d), g(a, axis=d)
        return (np.expand_dims(values, d), np.expand_dims(at, d)) if k else (values, at)

    return both


def softmax(a: Any, dim: int) -> Any:
    e = np.exp(a - a.max(axis=dim, keepdims=True))
    return e / e.sum(axis=dim, keepdims=True)


def logsumexp(a: Any, dim: Any, keepdim: bool = False) -> Any:
    return np.log(np.exp(a * 1.0).sum(axis=axis(dim), keepdims=keepdim))


def p_norm(a: Any, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
    m = np.abs(a)
    where = axis(dim)
    if p == math.inf:
        return m.max(axis=where, keepdims=keepdim)
    if p == -math.inf:
        return m.min(axis=where, keepdims=keepdim)
    if p == 0:
        return (m != 0).sum(axis=where, keepdims=keepdim).astype(float)
    return (m**p).sum(axis=where, keepdims=keepdim) ** (1 / p)


max_both, min_both = extrema(np.max, np.argmax), extrema(np.min, np.argmin)
D = A(4, 5, distinct=True)
PAIR: dict[str, Any] = dict(in_place=False, result=None)

ROWS: list[Sample] = [
    *reduction("sum", numpy_reduction(np.sum), ALL, result="sum"),
    S("sum", (A(4, 5),), {"dtype": None}, lambda a, dtype: a.sum(), dtypes=FLOATS, tolerance=HALF_SUMS),
    S("sum", (A(0, 3), 0), ref=lambda a, d: a.sum(d), dtypes=FLOATS),
    *reduction("nansum", numpy_reduction(np.nansum), FLOATS + INTS, result="sum"),
    S("nansum", (V([1.0, math.nan, 2.0]),), ref=np.nansum, grad=False),
    *reduction("mean", numpy_reduction(np.mean), INEXACT),
    *reduction("nanmean", numpy_reduction(np.nanmean), FLOATS),
    S("prod", (A(4, 5, low=0.5),), ref=np.prod, dtypes=INEXACT + INTS, result="sum", big=(A(300, 1111, low=0.99, high=1.01),), tolerance={**HALF_SUMS, "float32": (1e-4, 1e-4), "complex64": (1e-4, 1e-4)}),
    S("prod", (A(4, 5, low=0.5), 1), ref=lambda a, d: a.prod(d), dtypes=INEXACT + INTS + BOOL, result="sum", tolerance={**HALF_SUMS, "complex64": (1e-5, 1e-5)}),
    S("prod", (A(4, 5, low=0.5), 0), {"keepdim": True}, lambda a, d, keepdim: a.prod(d, keepdims=True), dtypes=FLOATS, tolerance=HALF_SUMS),
    *reduction("var", moment(np.var), FLOATS),
    *reduction("std", moment(np.std), FLOATS),
    S("var", (A(4, 5), 1), {"correction": 0}, lambda a, d, correction: a.var(d), dtypes=INEXACT, result="real", tolerance=HALF_SUMS),
    S("std", (A(4, 5), 1), {"unbiased": False}, lambda a, d, unbiased: a.std(d), dtypes=FLOATS, tolerance=HALF_SUMS),
    S("var_mean", (A(4, 5), 1), ref=lambda a, d: (a.var(d, ddof=1), a.mean(d)), dtypes=FLOATS, tolerance=HALF_SUMS, out=False),
    S("std_mean", (A(4, 5), 1), ref=lambda a, d: (a.std(d, ddof=1), a.mean(d)), dtypes=FLOATS, tolerance=HALF_SUMS, out=False),
    *reduction("amax", numpy_reduction(np.max), REALS + BOOL),
    *reduction("amin", numpy_reduction(np.min), REALS + BOOL),
    S("aminmax", (D,), ref=lambda a: (a.min(), a.max()), dtypes=REALS, in_place=False),
    S("aminmax", (D,), {"dim": 1}, lambda a, dim: (a.min(dim), a.max(dim)), dtypes=REALS, in_place=False),
    S("max", (D,), ref=np.max, dtypes=REALS, in_place=False, big=BIG),
    S("max", (D, 1), ref=lambda a, d: max_both(a, d, False), dtypes=REALS, big=(*BIG, 1), **PAIR),
    S("max", (D, 0, True), ref=max_both, dtypes=FLOATS, big=(*BIG, 0), **PAIR),
    S("max", (D, A(5)), ref=np.maximum, dtypes=REALS, in_place=False),
    S("min", (D,), ref=np.min, dtypes=REALS, in_place=False, big=BIG),
    S("min", (D, 1), ref=lambda a, d: min_both(a, d, False), dtypes=REALS, big=(*BIG, 1), **PAIR),
    S("min", (D, 0, True), ref=min_both, dtypes=FLOATS, **PAIR),
    S("min", (D, A(5)), ref=np.minimum, dtypes=REALS, in_place=False),
    S("argmax", (D,), ref=np.argmax, dtypes=REALS, result="int64", grad=False, big=BIG, in_place=False),
    S("argmax", (D, 1, True), ref=lambda a, d, k: a.argmax(d, keepdims=k), dtypes=REALS, result="int64", grad=False, in_place=False),
    S("argmin", (D,), ref=np.argmin, dtypes=REALS, result="int64", grad=False, big=BIG, in_place=False),
    S("argmin", (D, 0), ref=lambda a, d: a.argmin(d), dtypes=REALS, result="int64", grad=False, in_place=False),
    *reduction("any", lambda a, d, k: np.any(a != 0, axis=d, keepdims=k), ALL, result=None, grad=False),
    *reduction("all", lambda a, d, k: np.all(a != 0, axis=d, keepdims=k), ALL, result=None, grad=False),
    S("count_nonzero", (A(4, 5, low=-1, high=1),), ref=np.count_nonzero, dtypes=ALL, result="int64", grad=False, in_place=False),
    S("count_nonzero", (A(4, 5, low=-1, high=1), 1), ref=lambda a, d: np.count_nonzero(a, axis=d), dtypes=ALL, result="int64", grad=False, in_place=False),
    S("equal", (A(4), A(4)), ref=np.array_equal, dtypes=ALL, result=None, grad=False, meta=False),
    S("equal", (V([1.0, 2.0]), V([1.0, 2.0])), ref=np.array_equal, result=None, grad=False, meta=False),
    S("allclose", (A(4), A(4)), ref=np.allclose, dtypes=FLOATS + COMPLEX, result=None, grad=False, meta=False),
    S("linalg.vector_norm", (A(4, 5),), ref=p_norm, dtypes=INEXACT, result="real", in_place=False, tolerance=HALF_SUMS, big=BIG),
    *[S("linalg.vector_norm", (A(4, 5), p, 1, True), ref=p_norm, dtypes=("float32", "float64"), in_place=False, gradgrad=p not in (0, math.inf, -math.inf)) for p in (0, 1, 2, 3.5, math.inf, -math.inf)],
    S("norm", (A(4, 5),), ref=p_norm, dtypes=INEXACT, result="real", in_place=False, tolerance=HALF_SUMS),
    S("norm", (A(4, 5), 3, 1), ref=p_norm, dtypes=FLOATS, in_place=False, tolerance=HALF_SUMS),
    S("softmax", (A(4, 5), 1), ref=softmax, dtypes=FLOATS, in_place=False, big=(*BIG, 1), tolerance=HALF_SUMS),
    S("softmax", (A(3, 4, 5), 1), ref=softmax, dtypes=FLOATS, in_place=False, big=(*BIG, 0), tolerance=HALF_SUMS),
    S("log_softmax", (A(4, 5), 1), ref=lambda a, d: np.log(softmax(a, d)), dtypes=FLOATS, in_place=False, big=(*BIG, 1), tolerance=HALF_SUMS),
    S("log_softmax", (A(3, 4, 5), 1), ref=lambda a, d: np.log(softmax(a, d)), dtypes=FLOATS, in_place=False, big=(*BIG, 0), tolerance=HALF_SUMS),
    S("logsumexp", (A(4, 5), 1), ref=logsumexp, dtypes=FLOATS + INTS, result="float", in_place=False, big=(*BIG, 1), tolerance=HALF_SUMS),
    S("logsumexp", (A(3, 4, 5), [0, 2], True), ref=logsumexp, dtypes=FLOATS, in_place=False, tolerance=HALF_SUMS),
]  # fmt: skip

ERRORS = [
    E("sum", (A(3, 4), 2), IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got 2)"),
    E("sum", (A(3, 4), [0, 0]), RuntimeError, "dim 0 appears multiple times in the list of dims"),
    E("mean", (A(3),), RuntimeError, "mean(): could not infer output dtype", "int64"),
    E("amax", (A(0, 3),), RuntimeError, "amax(): Expected reduction dim to be specified for input.numel() == 0"),
    E("argmax", (A(0),), IndexError, "argmax(): Expected reduction dim to be specified for input.numel() == 0"),
    E("max", (A(3, 4), 3), IndexError, "Dimension out of range"),
    E("max", (A(3),), RuntimeError, "max", "complex64"),
]

EXEMPT = {
    name: "tests/reduce/test_statistics.py covers it"
    for name in ("cov", "corrcoef", "renorm", "sum_to_size", "igamma", "igammac")
}
