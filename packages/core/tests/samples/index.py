# ruff: noqa: E501 - a row of a table is a line
"""Rows of indexing: gather and scatter, selection, masks, positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import ALL, COMPLEX, FLOATS, REALS, A, B, E, I, S, Sample, V

ANY: dict[str, Any] = dict(dtypes=ALL)
NUMBERS = REALS + COMPLEX


def positions(index: Any, dim: int) -> tuple[Any, ...]:
    """Where the elements of `index` point: its own coordinates, but along dim its values."""
    at = list(np.indices(index.shape))
    at[dim] = index
    return tuple(at)


def scatter(f: Any) -> Any:
    def run(a: Any, dim: int, index: Any, src: Any) -> Any:
        out = a.copy()
        where = positions(index, dim)
        values = src if np.isscalar(src) else src[tuple(slice(n) for n in index.shape)]
        f(out, where, values)
        return out

    return run


def assign(out: Any, where: Any, values: Any) -> None:
    out[where] = values


def by_slices(f: Any) -> Any:
    """index_add and friends: slice index[i] of self meets slice i of source."""

    def run(a: Any, dim: int, index: Any, source: Any, **options: Any) -> Any:
        out = np.moveaxis(a.copy(), dim, 0)
        f(out, index, source if np.isscalar(source) else np.moveaxis(source, dim, 0))
        return np.moveaxis(out, 0, dim)

    return run


def scatter_reduce(a: Any, dim: int, index: Any, src: Any, how: str) -> Any:
    out = a.copy()
    f = {"sum": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}[how]
    f.at(out, positions(index, dim), src)
    return out


def put(a: Any, index: Any, source: Any) -> Any:
    out = a.copy()
    out.reshape(-1)[index] = source
    return out


def index_put(a: Any, indices: Any, values: Any) -> Any:
    out = a.copy()
    out[tuple(indices)] = values
    return out


def masked_scatter(a: Any, mask: Any, source: Any) -> Any:
    out = a.copy()
    out[mask] = source.reshape(-1)[: mask.sum()]
    return out


UNIQUE = V([2, 0, 3], "int64")
FIXED = V([[0, 1], [2, 1], [0, 0]], "int64")
ONCE = V([[0, 1, 2], [1, 2, 0]], "int64")  # no position twice along dim 0
DATA: dict[str, Any] = dict(meta=False, in_place=False)
BIG = (A(500, 300),)

ROWS: list[Sample] = [
    S("gather", (A(3, 4), 1, FIXED), ref=lambda a, d, i: np.take_along_axis(a, i, d), in_place=False, big=(*BIG, 1, I(500, 300, high=300)), **ANY),
    S("gather", (A(3, 4), 0, FIXED), ref=lambda a, d, i: a[positions(i, d)], in_place=False, **ANY),
    S("take_along_dim", (A(3, 4), FIXED, 1), ref=np.take_along_axis, in_place=False, **ANY),
    S("scatter", (A(3, 3), 0, ONCE, A(2, 3)), ref=scatter(assign), **ANY),
    S("scatter", (A(3, 3), 0, ONCE, 2), ref=scatter(assign), dtypes=NUMBERS),
    S("scatter_add", (A(3, 4), 1, FIXED, A(3, 2)), ref=scatter(np.add.at), dtypes=NUMBERS, big=(*BIG, 1, I(500, 300, high=300), A(500, 300)), tolerance={"float16": (5e-3, 5e-3), "bfloat16": (5e-2, 5e-2)}),
    *[S("scatter_reduce", (A(3, 4, distinct=True, low=0.5), 0, V([[0, 1, 2, 0], [1, 2, 0, 1]], "int64"), A(2, 4, distinct=True, low=0.5), how), ref=scatter_reduce, dtypes=FLOATS, tolerance={"bfloat16": (5e-2, 5e-2), "float16": (5e-3, 5e-3)}) for how in ("sum", "prod", "amax", "amin")],
    S("index_select", (A(4, 5), 1, UNIQUE), ref=lambda a, d, i: np.take(a, i, d), in_place=False, big=(*BIG, 1, I(1000, high=300)), **ANY),
    S("index_select", (A(4, 5), 0, V([1, 1, 0], "int64")), ref=lambda a, d, i: np.take(a, i, d), in_place=False, **ANY),
    S("index_add", (A(4, 5), 0, V([1, 1, 3], "int64"), A(3, 5)), ref=by_slices(np.add.at), dtypes=NUMBERS, tolerance={"float16": (5e-3, 5e-3), "bfloat16": (5e-2, 5e-2)}),
    S("index_add", (A(4, 5), 1, UNIQUE, A(4, 3)), {"alpha": 2}, lambda a, d, i, s, alpha: by_slices(np.add.at)(a, d, i, alpha * s), dtypes=REALS, tolerance={"float16": (5e-3, 5e-3), "bfloat16": (5e-2, 5e-2)}),
    S("index_copy", (A(4, 5), 1, UNIQUE, A(4, 3)), ref=by_slices(assign), **ANY),
    S("index_fill", (A(4, 5), 1, UNIQUE, 2), ref=by_slices(assign), dtypes=NUMBERS),
    S("index_reduce", (A(4, 5, low=0.5), 0, UNIQUE, A(3, 5, low=0.5), "prod"), ref=lambda a, d, i, s, how: by_slices(np.multiply.at)(a, d, i, s), dtypes=FLOATS, grad=False, tolerance={"bfloat16": (5e-2, 5e-2)}),
    S("index_put", (A(4, 5), [V([0, 2], "int64"), V([1, 1], "int64")], A(2)), ref=index_put, **ANY),
    S("take", (A(4, 5), V([0, 19, 7], "int64")), ref=np.take, in_place=False, **ANY),
    S("put", (A(4, 5), V([0, 19, 7], "int64"), A(3)), ref=put, **ANY),
    S("masked_fill", (A(4, 5), B(4, 5), 2), ref=lambda a, m, v: np.where(m, v, a), dtypes=NUMBERS, big=(*BIG, B(300), 2)),
    S("masked_fill", (A(4, 5), B(5), A()), ref=lambda a, m, v: np.where(m, v, a), **ANY),
    S("masked_select", (A(4, 5), B(4, 5)), ref=lambda a, m: a[m], dtypes=ALL, **DATA),
    S("masked_scatter", (A(4, 5), B(4, 5), A(4, 5)), ref=masked_scatter, dtypes=ALL),
    S("nonzero", (A(4, 5, low=-1, high=1),), ref=lambda a: np.argwhere(a), dtypes=ALL, result="int64", grad=False, **DATA),
    S("nonzero_static", (V([[1, 0], [0, 2]]),), {"size": 3}, lambda a, size: np.array([[0, 0], [1, 1], [-1, -1]]), dtypes=REALS, result="int64", grad=False, in_place=False, meta=False),
    S("argwhere", (A(4, 5, low=-1, high=1),), ref=np.argwhere, dtypes=ALL, result="int64", grad=False, **DATA),
    S("unravel_index", (V([5, 7, 0], "int64"), [4, 3]), ref=lambda i, s: np.unravel_index(i, s), dtypes=("int64",), result=None, grad=False, in_place=False),
]  # fmt: skip

ERRORS = [
    E("gather", (A(3, 4), 1, V([[4]], "int64")), RuntimeError, "index 4 is out of bounds for dimension 1 with size 4"),
    E("index_select", (A(3), 0, V([3], "int64")), IndexError, "index out of range in self"),
    E("masked_fill", (A(3), A(3), 1), RuntimeError, "masked_fill_ only supports boolean masks"),
    E("take", (A(3), V([3], "int64")), IndexError, "out of range"),
    E("scatter", (A(3), 0, V([5], "int64"), A(1)), RuntimeError, "index 5 is out of bounds for dimension 0 with size 3"),
]

EXEMPT: dict[str, str] = {}
