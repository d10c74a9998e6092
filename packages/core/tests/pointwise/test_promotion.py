"""Which dtype a pointwise result has, and what in-place writing refuses."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import tallow

NAMES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128")


def dtype(name: str) -> tallow.dtype:
    return getattr(tallow, name)


def category(name: str) -> int:
    return 0 if name == "bool" else 1 if "int" in name else 2 if name.startswith("float") else 3


def expected(a: str, b: str) -> str:
    """NumPy's rule inside a category; across, integers do not widen floating point."""
    if category(a) != category(b) and max(category(a), category(b)) >= 2:
        high, low = (a, b) if category(a) > category(b) else (b, a)
        if category(high) == 3 and low == "float64":
            return "complex128"
        return high
    return np.promote_types(a, b).name


@pytest.mark.parametrize(("a", "b"), list(itertools.combinations_with_replacement(NAMES, 2)))
def test_tensors_meet_in_the_smallest_dtype_that_holds_both(a: str, b: str) -> None:
    x, y = tallow.ones(2, dtype=dtype(a)), tallow.ones(2, dtype=dtype(b))
    assert (x + y).dtype == dtype(expected(a, b))
    assert (y + x).dtype == tallow.promote_types(dtype(a), dtype(b)) == tallow.result_type(x, y)
    assert (x == y).dtype == tallow.bool


@pytest.mark.parametrize(
    ("name", "number", "result"),
    [
        ("int8", 1, "int8"),
        ("int8", 1000, "int8"),
        ("int32", 1.5, "float32"),
        ("float16", 1.5, "float16"),
        ("float64", 1, "float64"),
        ("bool", 1, "int64"),
        ("bool", True, "bool"),
        ("float32", 1j, "complex64"),
        ("float64", 1j, "complex128"),
        ("int64", 1j, "complex64"),
    ],
)
def test_a_number_changes_the_category_only(name: str, number: complex, result: str) -> None:
    assert (tallow.ones(2, dtype=dtype(name)) + number).dtype == dtype(result)


def test_zero_dimensional_tensors_rank_between() -> None:
    wide = tallow.tensor(1.5, dtype=tallow.float64)
    assert (tallow.ones(2, dtype=tallow.float32) + wide).dtype == tallow.float32
    assert (tallow.ones(2, dtype=tallow.int32) + wide).dtype == tallow.float64
    assert (tallow.tensor(1, dtype=tallow.int8) + wide).dtype == tallow.float64


def test_in_place_never_narrows_the_category() -> None:
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
        tallow.ones(2, dtype=tallow.int64).add_(1.5)
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
        tallow.add(tallow.ones(2), 1j, out=tallow.empty(2))
    t = tallow.ones(2, dtype=tallow.float16)
    t += tallow.ones(2, dtype=tallow.float64)
    assert t.dtype == tallow.float16


def test_overlap_with_gaps_goes_through_a_copy() -> None:
    t = tallow.arange(6).reshape(2, 3)
    t[:, 1:] += t[:, :-1]
    assert t.tolist() == [[0, 1, 3], [3, 7, 9]]


def test_in_place_does_not_broadcast_itself() -> None:
    with pytest.raises(RuntimeError):
        tallow.ones(3).add_(tallow.ones(2, 3))


def test_integers_wrap() -> None:
    t = tallow.tensor([127], dtype=tallow.int8)
    assert (t + 1).tolist() == [-128]
    assert (tallow.tensor([0], dtype=tallow.uint8) - 1).tolist() == [255]


def test_can_cast() -> None:
    assert tallow.can_cast(tallow.int64, tallow.float16)
    assert not tallow.can_cast(tallow.float16, tallow.int64)
    assert not tallow.can_cast(tallow.complex64, tallow.float64)


@pytest.mark.parametrize("name", ["sin", "cos", "tan", "exp", "tanh", "log1p", "erf"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_extreme_arguments(name: str, kind: str) -> None:
    values = np.array([0.0, -0.0, 1e-30, 1.0, 1e5, -1e8, 3e38, np.inf, -np.inf, np.nan] * 60, dtype=kind)
    with np.errstate(all="ignore"):
        if name == "erf":
            want = np.array([math.erf(v) for v in values.astype(float)])
        else:
            want = getattr(np, name)(values.astype(np.float64))
        want = want.astype(kind)
    got = getattr(tallow, name)(tallow.tensor(values)).numpy()
    np.testing.assert_allclose(got, want, rtol=1e-6 if kind == "float32" else 1e-12, equal_nan=True)
