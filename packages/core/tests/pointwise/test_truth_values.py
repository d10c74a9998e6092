"""Ops on bool: every one is a table of truth values, and NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import tallow

BINARY = {
    "bitwise_and": np.logical_and,
    "bitwise_or": np.logical_or,
    "bitwise_xor": np.logical_xor,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "add": np.logical_or,
    "mul": np.logical_and,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "fmax": np.maximum,
    "fmin": np.minimum,
    "pow": np.greater_equal,  # 0**0 is 1
}


def bits(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < 0.5


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(
    "shapes", [((70_001,), (70_001,)), ((300, 70), (70,)), ((300, 70), (300, 1)), ((5,), ()), ((0,), (1,))]
)
def test_two_operands(name: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = bits(*shapes[0]), bits(*shapes[1], seed=1)
    op = getattr(tallow, name)
    got = op(tallow.tensor(a), tallow.tensor(b))
    assert got.dtype is tallow.bool
    np.testing.assert_array_equal(got.numpy(), BINARY[name](a, b))


@pytest.mark.parametrize("number", [False, True])
def test_a_number_as_operand(number: bool) -> None:
    a = bits(1000)
    np.testing.assert_array_equal((tallow.tensor(a) & number).numpy(), a & number)
    np.testing.assert_array_equal((tallow.tensor(a) == number).numpy(), a == number)


def test_one_operand() -> None:
    a = bits(1001)
    t = tallow.tensor(a)
    np.testing.assert_array_equal((~t).numpy(), ~a)
    np.testing.assert_array_equal(t.abs().numpy(), a)
    np.testing.assert_array_equal(t.sign().numpy(), a)
    assert not t.isnan().any() and t.isfinite().all()


def test_three_operands() -> None:
    c, a, b = bits(64, 65), bits(64, 65, seed=1), bits(65, seed=2)
    got = tallow.where(tallow.tensor(c), tallow.tensor(a), tallow.tensor(b))
    np.testing.assert_array_equal(got.numpy(), np.where(c, a, b))
    np.testing.assert_array_equal(tallow.where(tallow.tensor(c), True, tallow.tensor(b)).numpy(), np.where(c, True, b))


def test_in_place_and_strided() -> None:
    a, b = bits(50, 90), bits(50, 90, seed=1)
    t = tallow.tensor(a)
    t[:, ::2].logical_xor_(tallow.tensor(b)[:, ::2])
    want = a.copy()
    want[:, ::2] ^= b[:, ::2]
    np.testing.assert_array_equal(t.numpy(), want)


def test_bytes_other_than_one_are_true() -> None:
    raw = tallow.tensor([0, 1, 2, 255], dtype=tallow.uint8).view(tallow.bool)
    assert (raw & True).tolist() == [False, True, True, True]
    assert raw.logical_not().tolist() == [True, False, False, False]


def test_division_by_false_is_still_refused() -> None:
    ones = tallow.ones(3, dtype=tallow.bool)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        tallow.floor_divide(ones, tallow.zeros(3, dtype=tallow.bool))
    assert tallow.floor_divide(ones, ones).tolist() == [True] * 3
