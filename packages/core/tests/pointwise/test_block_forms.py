"""Forms for whole blocks: exact remainders, rounding to float16, functions with a quick form for moderate numbers."""

from __future__ import annotations

import numpy as np
import pytest

import tallow

TINY = [1e-45, -1e-40, 1.1754944e-38]
LARGE = [16777216.0, 16777215.0, 3e38, -3e38, np.inf, -np.inf, np.nan]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 3.5, *TINY, *LARGE]


def pairs() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a = np.concatenate([np.repeat(SPECIAL, len(SPECIAL)), rng.normal(size=3000) * 10.0 ** rng.integers(-6, 7, 3000)])
    b = np.concatenate([np.tile(SPECIAL, len(SPECIAL)), rng.normal(size=3000) * 10.0 ** rng.integers(-3, 4, 3000)])
    whole = rng.integers(-50, 50, 1000)
    return np.concatenate([a, whole]).astype("f4"), np.concatenate([b, rng.integers(1, 9, 1000) * -1.0]).astype("f4")


@pytest.mark.parametrize(("name", "reference"), [("fmod", np.fmod), ("remainder", np.remainder)])
@pytest.mark.filterwarnings("ignore")
def test_remainders_of_floats_are_exact(name: str, reference: np.ufunc) -> None:
    a, b = pairs()
    finite = np.isfinite(a) & np.isfinite(b)
    a, b = a[finite], b[finite]
    op = getattr(tallow, name)
    got = op(tallow.tensor(a), tallow.tensor(b)).numpy()
    np.testing.assert_array_equal(got, reference(a, b))
    if name == "fmod":
        np.testing.assert_array_equal(np.signbit(got[b != 0]), np.signbit(a[b != 0]))
    for divisor in (0.75, -3.0, 1e-30):
        number = np.float32(divisor)
        np.testing.assert_array_equal(op(tallow.tensor(a), float(number)).numpy(), reference(a, number))
    dividend = np.float32(1e4)
    np.testing.assert_array_equal(op(tallow.tensor(dividend), tallow.tensor(b)).numpy(), reference(dividend, b))


def test_the_remainder_of_an_infinite_divisor() -> None:
    inf = float("inf")
    a = tallow.tensor([2.0, -2.0, 0.0])
    assert tallow.fmod(a, inf).tolist() == [2.0, -2.0, 0.0]
    assert tallow.remainder(a, inf).tolist() == [2.0, inf, 0.0]
    assert tallow.fmod(tallow.tensor([inf, 1.0]), tallow.tensor([1.0, 0.0])).isnan().all()


@pytest.mark.filterwarnings("ignore")
def test_floor_division_agrees_with_the_remainder() -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.normal(size=5000) * 100).astype("f4"), rng.normal(size=5000).astype("f4")
    got = tallow.floor_divide(tallow.tensor(a), tallow.tensor(b)).numpy()
    np.testing.assert_array_equal(got, np.floor_divide(a, b))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.filterwarnings("ignore")
def test_the_next_number(dtype: str) -> None:
    a, b = np.meshgrid(np.array(SPECIAL, dtype), np.array(SPECIAL, dtype))
    got = tallow.nextafter(tallow.tensor(a), tallow.tensor(b)).numpy()
    want = np.nextafter(a, b)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got[~np.isnan(want)]), np.signbit(want[~np.isnan(want)]))


@pytest.mark.filterwarnings("ignore")
def test_the_hypotenuse_neither_overflows_nor_vanishes() -> None:
    a, b = np.meshgrid(np.array(SPECIAL, "f4"), np.array(SPECIAL, "f4"))
    np.testing.assert_allclose(tallow.hypot(tallow.tensor(a), tallow.tensor(b)).numpy(), np.hypot(a, b), rtol=2e-7)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 1000, 65536])
def test_every_float16_survives_float32(n: int) -> None:
    raw = np.arange(65536, dtype=np.uint16)[:n] if n < 65536 else np.arange(65536, dtype=np.uint16)
    half = raw.view(np.float16)
    wide = tallow.tensor(half).float().numpy()
    np.testing.assert_array_equal(wide, half.astype("f4"))
    np.testing.assert_array_equal(tallow.tensor(wide).half().numpy(), half)


@pytest.mark.filterwarnings("ignore")
def test_float32_is_rounded_to_the_nearest_float16() -> None:
    rng = np.random.default_rng(2)
    some = rng.normal(size=4001) * 10.0 ** rng.integers(-9, 6, 4001)
    x = np.concatenate([some, SPECIAL, [65504.0, 65519.9, 65520.0]]).astype("f4")
    np.testing.assert_array_equal(tallow.tensor(x).half().numpy(), x.astype(np.float16))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["exp", "log", "log2", "log10"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_one_unusual_number_does_not_disturb_its_block(name: str, dtype: str) -> None:
    x = np.linspace(0.1, 20, 2000).astype(dtype)
    alone = getattr(tallow, name)(tallow.tensor(x)).numpy()
    for unusual in SPECIAL:
        y = x.copy()
        y[700] = unusual
        got = getattr(tallow, name)(tallow.tensor(y)).numpy()
        np.testing.assert_allclose(np.delete(got, 700), np.delete(alone, 700), rtol=4 * np.finfo(dtype).eps, atol=1e-7)
        np.testing.assert_allclose(got[700], getattr(np, name)(y[700]), rtol=1e-6)


def test_square_roots_are_rounded_correctly() -> None:
    x = np.random.default_rng(3).random(20_003).astype("f4") * np.float32(4)
    for scale in (1.0, 2.0**-100, 2.0**90):
        scaled = x * np.float32(scale)
        np.testing.assert_array_equal(tallow.tensor(scaled).sqrt().numpy(), np.sqrt(scaled))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "reference"), [("asin", np.arcsin), ("acos", np.arccos), ("atan", np.arctan)])
def test_inverse_trigonometric_functions_in_double(name: str, reference: np.ufunc) -> None:
    x = np.concatenate([np.linspace(-1, 1, 4001), np.geomspace(1e-300, 1e300, 999), SPECIAL])
    np.testing.assert_allclose(getattr(tallow, name)(tallow.tensor(x)).numpy(), reference(x), rtol=5e-16, atol=1e-320)


@pytest.mark.filterwarnings("ignore")
def test_the_angle_of_a_point_in_double() -> None:
    special = [*SPECIAL, 5e-324, 2.3e-308, 1.7e308, -1.7e308]
    y, x = np.meshgrid(special, special)
    rng = np.random.default_rng(4)
    y, x = np.append(y, rng.normal(size=5000)), np.append(x, rng.normal(size=5000))
    got, want = tallow.atan2(tallow.tensor(y), tallow.tensor(x)).numpy(), np.arctan2(y, x)
    np.testing.assert_allclose(got, want, rtol=7e-16, atol=1e-322)
    known = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(want[known]))
