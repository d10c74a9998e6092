# ruff: noqa: E501 - a row of a table is a line
"""Rows of sorting, selection, searching and histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import FLOATING, FLOATS, INTS, REALS, A, E, S, Sample, V

D = A(4, 7, distinct=True)
PAIR: dict[str, Any] = dict(result=None, in_place=False)
DATA: dict[str, Any] = dict(result=None, in_place=False, meta=False)


def sorted_pair(a: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    order = np.argsort(-a if descending else a, axis=dim, kind="stable")
    return np.take_along_axis(a, order, dim), order


def topk(a: Any, k: int, dim: int = -1, largest: bool = True) -> Any:
    values, order = sorted_pair(a, dim, largest)
    first = np.arange(k)
    return np.take(values, first, dim), np.take(order, first, dim)


def kth(a: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    values, order = sorted_pair(a, dim)
    pick = [k - 1] if keepdim else k - 1
    return np.take(values, pick, dim), np.take(order, pick, dim)


def median(a: Any, dim: int, keepdim: bool = False) -> Any:
    return kth(a, (a.shape[dim] + 1) // 2, dim, keepdim)


def mode(a: Any, dim: int = -1) -> Any:
    a = np.moveaxis(a, dim, -1)
    values = np.empty(a.shape[:-1], a.dtype)
    at = np.empty(a.shape[:-1], np.int64)
    for i in np.ndindex(values.shape):
        unique, counts = np.unique(a[i], return_counts=True)
        values[i] = unique[counts.argmax()]
        at[i] = np.flatnonzero(a[i] == values[i])[-1]
    return values, at


SORTED = V([-1.5, -0.5, 0.0, 0.5, 1.5])

ROWS: list[Sample] = [
    S("sort", (D,), ref=sorted_pair, dtypes=REALS, big=(A(200, 1500),), **PAIR),
    S("sort", (D, 0, True), ref=sorted_pair, dtypes=FLOATS, big=(A(1500, 200), 0), **PAIR),
    S("sort", (V([2, 1, 2, 1, 0]),), {"stable": True}, lambda a, stable: sorted_pair(a), dtypes=REALS, grad=False, **PAIR),
    S("argsort", (D,), ref=lambda a: sorted_pair(a)[1], dtypes=REALS, result="int64", grad=False, in_place=False),
    S("argsort", (D, 0, True), ref=lambda *a: sorted_pair(*a)[1], dtypes=REALS[:1], result="int64", grad=False, in_place=False),
    S("msort", (D,), ref=lambda a: np.sort(a, axis=0), dtypes=REALS, in_place=False),
    S("topk", (D, 3), ref=topk, dtypes=REALS, big=(A(200, 1500), 20), **PAIR),
    S("topk", (D, 2, 0, False), ref=topk, dtypes=FLOATS, **PAIR),
    S("kthvalue", (D, 3), ref=kth, dtypes=REALS, big=(A(200, 1500), 20), **PAIR),
    S("kthvalue", (D, 2, 0, True), ref=kth, dtypes=FLOATS, **PAIR),
    S("median", (D,), ref=lambda a: np.sort(a, axis=None)[(a.size - 1) // 2], dtypes=REALS, in_place=False),
    S("median", (D, 1), ref=median, dtypes=REALS, **PAIR),
    S("nanmedian", (V([3.0, np.nan, 1.0, 2.0]),), ref=lambda a: np.float64(2.0), grad=False, in_place=False),
    S("nanmedian", (D, 0, True), ref=median, dtypes=FLOATS, **PAIR),
    S("mode", (V([[1, 2, 2, 3], [3, 1, 3, 1]]),), ref=mode, dtypes=REALS, grad=False, **PAIR),
    S("quantile", (D, 0.3), ref=np.quantile, dtypes=FLOATING, in_place=False),
    S("quantile", (D, V([0.25, 0.5])), {"dim": 1}, lambda a, q, dim: np.quantile(a, q, axis=dim), dtypes=FLOATING, in_place=False, grad=False),
    S("quantile", (D, 0.4), {"dim": 0, "keepdim": True, "interpolation": "lower"}, lambda a, q, dim, keepdim, interpolation: np.quantile(a, q, axis=dim, keepdims=True, method="lower"), dtypes=FLOATING, in_place=False),
    S("nanquantile", (V([3.0, np.nan, 1.0, 2.0]), 0.5), ref=np.nanquantile, dtypes=FLOATING, in_place=False, grad=False),
    S("histc", (A(50, low=-1, high=1),), {"bins": 5, "min": -1, "max": 1}, lambda a, bins, min, max: np.histogram(a, bins, (min, max))[0].astype(float), dtypes=FLOATING, grad=False),
    S("bincount", (V([0, 1, 1, 3, 2, 1]),), ref=np.bincount, dtypes=INTS, result="int64", grad=False, meta=False),
    S("bincount", (V([0, 1, 1, 3], "int64"),), {"weights": A(4), "minlength": 6}, lambda a, weights, minlength: np.bincount(a, weights, minlength), dtypes=FLOATING, result=None, grad=False, meta=False),
    S("searchsorted", (SORTED, A(4, 3)), ref=np.searchsorted, dtypes=FLOATS, result="int64", grad=False),
    S("searchsorted", (SORTED, A(4, 3)), {"right": True}, lambda s, v, right: np.searchsorted(s, v, "right"), dtypes=FLOATS, result="int64", grad=False),
    S("bucketize", (A(4, 3), SORTED), ref=lambda v, s: np.searchsorted(s, v), dtypes=FLOATS, result="int64", grad=False, in_place=False),
    S("isin", (A(4, 5, low=0, high=9), V([1, 3, 5])), ref=np.isin, dtypes=INTS, result="bool", grad=False, in_place=False),
    S("isin", (V([1.0, 2.0, 3.0]), V([2.0])), {"invert": True}, lambda a, b, invert: np.isin(a, b, invert=True), dtypes=FLOATS, result="bool", grad=False, in_place=False),
    S("unique", (V([2, 1, 2, 3, 1]),), ref=np.unique, dtypes=REALS, grad=False, **DATA),
    S("unique", (V([2, 1, 2, 3, 1]),), {"return_inverse": True, "return_counts": True}, lambda a, **k: np.unique(a, **k), dtypes=REALS, grad=False, **DATA),
    S("unique_consecutive", (V([1, 1, 2, 2, 1]),), ref=lambda a: np.array([1, 2, 1]), dtypes=REALS, grad=False, **DATA),
]  # fmt: skip

ERRORS = [
    E("sort", (A(3), 1), IndexError, "Dimension out of range"),
    E("topk", (A(3), 4), RuntimeError, "selected index k out of range"),
    E("kthvalue", (A(3), 5), RuntimeError, "selected number k out of range"),
    E("quantile", (A(3), 2.0), RuntimeError, "quantile() q must be in the range [0, 1] but got 2"),
    E("quantile", (A(3), 0.5), RuntimeError, "quantile() input tensor must be either float or double dtype", "int64"),
    E("bincount", (V([-1, 2], "int64"),), RuntimeError, "bincount only supports 1-d non-negative integral inputs."),
]
