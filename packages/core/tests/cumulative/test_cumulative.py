"""Running sums, products and extrema, differences and trapezoids, against NumPy."""

import math

import numpy as np
import pytest

import tallow as T

rng = np.random.default_rng(2)
SHAPES = [(), (1,), (9,), (13, 21), (3, 1, 4), (20_000,), (2, 17_000), (5, 600, 3), (0,), (3, 0)]
TOLERANCE = {"float32": 1e-5, "float64": 1e-12, "float16": 3e-3, "bfloat16": 2e-2, "complex64": 1e-5}


def make(shape, dtype):
    x = rng.standard_normal(shape)
    if dtype in ("int32", "int64", "uint8", "bool"):
        x = abs(x * 3)
    elif dtype.startswith("complex"):
        x = x * (1 + 0.5j)
    t = T.from_numpy(np.array(x)).to(getattr(T, dtype))
    return t, t.to(T.complex128 if t.dtype.is_complex else T.float64 if t.dtype.is_floating_point else T.int64).numpy()


def dims(t):
    return range(-max(1, t.ndim), max(1, t.ndim))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [*TOLERANCE, "int32", "uint8", "bool"])
def test_cumsum(shape, dtype):
    t, exact = make(shape, dtype)
    for dim in dims(t):
        got = t.cumsum(dim)
        expected = exact.cumsum(dim) if t.ndim else exact
        assert got.dtype == (t.dtype if dtype in TOLERANCE else T.int64) and got.shape == t.shape
        tolerance = TOLERANCE.get(dtype, 0)
        wide = got.to(T.complex128).numpy()
        np.testing.assert_allclose(wide, expected, rtol=tolerance, atol=tolerance * 300)
    assert t.to("meta").cumsum(0).shape == t.shape


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex64"])
def test_cumprod(dtype):
    for shape in [(), (9,), (13, 7), (3, 5, 4)]:
        t, exact = make(shape, dtype)
        for dim in dims(t):
            expected = exact.cumprod(dim) if t.ndim else exact
            np.testing.assert_allclose(t.cumprod(dim).to(T.complex128).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_dtype_in_place_and_out():
    t = T.tensor([200, 100], dtype=T.uint8)
    assert t.cumsum(0).tolist() == [200, 300] and t.cumsum(0, dtype=T.uint8).tolist() == [200, 44]
    assert t.cumsum_(0).tolist() == [200, 44] and t.dtype == T.uint8
    out = T.empty(0)
    x = T.arange(6.0).reshape(2, 3)
    assert T.cumsum(x, 1, out=out) is out and out.tolist() == [[0, 1, 3], [3, 7, 12]]
    T.cumsum(x, 0, out=x)
    assert x.tolist() == [[0, 1, 2], [3, 5, 7]]
    assert x.t().cumsum(0).tolist() == [[0, 3], [1, 8], [3, 15]]


@pytest.mark.parametrize("name,better", [("cummax", lambda a, b: a >= b), ("cummin", lambda a, b: a <= b)])
def test_running_extrema(name, better):
    for values in ([3.0, 1.0, 3.0, 4.0, 4.0, 0.0], [1.0, math.nan, 5.0, math.nan], [2, 2, 1], [True, False, True]):
        best, at, expected, places = values[0], 0, [], []
        for i, v in enumerate(values):
            if v != v or (best == best and better(v, best)):
                best, at = v, i
            expected.append(best)
            places.append(at)
        got = getattr(T.tensor(values), name)(0)
        np.testing.assert_array_equal(got.values.tolist(), expected)
        assert got.indices.tolist() == places
    x = rng.standard_normal((4, 5, 6))
    reference = np.maximum.accumulate if name == "cummax" else np.minimum.accumulate
    for dim in range(3):
        got = getattr(T.from_numpy(x), name)(dim)
        np.testing.assert_array_equal(got.values.numpy(), reference(x, dim))
        np.testing.assert_array_equal(T.gather(T.from_numpy(x), dim, got.indices).numpy(), got.values.numpy())
    with pytest.raises(NotImplementedError, match=f'"{name}_cpu" not implemented for'):
        getattr(T.complex(T.ones(2), T.ones(2)), name)(0)


def test_logcumsumexp():
    x = rng.standard_normal((4, 50)) * 10
    for dim in (0, 1):
        expected = np.logaddexp.accumulate(x, dim)
        np.testing.assert_allclose(T.from_numpy(x).logcumsumexp(dim).numpy(), expected, rtol=1e-13)
        np.testing.assert_allclose(T.from_numpy(x).float().logcumsumexp(dim).numpy(), expected, rtol=1e-5)
    inf = math.inf
    assert T.tensor([-inf, 0.0, 1000.0, inf]).logcumsumexp(0).tolist() == [-inf, 0.0, 1000.0, inf]
    with pytest.raises(NotImplementedError, match="logcumsumexp_out_cpu"):
        T.tensor([1]).logcumsumexp(0)


def test_diff():
    x = rng.standard_normal((5, 6))
    t = T.from_numpy(x)
    for n in range(7):
        for dim in (0, 1):
            np.testing.assert_allclose(T.diff(t, n, dim).numpy(), np.diff(x, n, dim), atol=1e-12)
    np.testing.assert_allclose(T.diff(t, prepend=t[:, :1], append=t[:, :2]).numpy(),
                               np.diff(x, prepend=x[:, :1], append=x[:, :2]), atol=1e-12)
    assert T.diff(T.tensor([True, False, False])).tolist() == [True, False]
    with pytest.raises(RuntimeError, match="at least one-dimensional"):
        T.diff(T.tensor(1.0))
    with pytest.raises(RuntimeError, match="order must be non-negative but got -1"):
        T.diff(t, -1)
    with pytest.raises(RuntimeError, match="same dimension as input"):
        T.diff(t, prepend=t[0])


def test_trapezoid():
    y, x = rng.standard_normal((4, 6)), np.sort(rng.standard_normal(6))
    ty, tx = T.from_numpy(y), T.from_numpy(x)
    area = ((y[:, 1:] + y[:, :-1]) * np.diff(x)).sum(1) / 2
    np.testing.assert_allclose(T.trapezoid(ty, tx).numpy(), area, rtol=1e-12)
    np.testing.assert_allclose(T.trapz(ty.t(), tx, dim=0).numpy(), area, rtol=1e-12)
    np.testing.assert_allclose(T.trapezoid(ty, dx=0.5).numpy(), (y[:, 1:] + y[:, :-1]).sum(1) / 4, rtol=1e-12)
    steps = np.cumsum((y[:, 1:] + y[:, :-1]) * np.diff(x), 1) / 2
    np.testing.assert_allclose(T.cumulative_trapezoid(ty, tx).numpy(), steps, rtol=1e-10)
    assert T.trapezoid(T.empty(0)).item() == 0
    with pytest.raises(RuntimeError, match="one `x` value for each sample point"):
        T.trapezoid(ty, tx[:3])


@pytest.mark.parametrize("shape", [(1_000_000,), (700, 900)])
def test_same_bits_on_any_number_of_threads(shape):
    x = T.from_numpy(rng.standard_normal(shape).astype("float32"))
    before = T.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            T.set_num_threads(threads)
            results.append([x.cumsum(d).numpy().tobytes() for d in range(x.ndim)])
    finally:
        T.set_num_threads(before)
    assert results[0] == results[1]
