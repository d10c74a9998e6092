"""unique, searchsorted, bucketize, isin, histc, bincount against NumPy."""

import math

import numpy as np
import pytest

import tallow as T

rng = np.random.default_rng(4)
core = T.ops.core


@pytest.mark.parametrize("dtype", ["int64", "float32", "float64", "uint8", "bool", "bfloat16"])
@pytest.mark.parametrize("shape", [(), (6,), (5, 60), (2000,), (0,)])
def test_unique_elements(shape, dtype):
    t = T.from_numpy(np.array(abs(rng.standard_normal(shape)) * 4)).to(getattr(T, dtype))
    exact = t.to(T.float64).numpy()
    values, inverse, counts = core._unique2(t, True, True, True)
    expected = np.unique(exact, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(values.to(T.float64).numpy(), expected[0])
    np.testing.assert_array_equal(inverse.numpy(), expected[1].reshape(shape))
    np.testing.assert_array_equal(counts.numpy(), expected[2])
    assert core._unique2(t)[1].numel() == core._unique2(t)[2].numel() == 0


def test_unique_slices():
    x = rng.integers(0, 3, (40, 2, 3))
    for dim in range(3):
        t = T.from_numpy(x)
        values, inverse, counts = core.unique_dim(t, dim, True, True, True)
        expected = np.unique(x, axis=dim, return_inverse=True, return_counts=True)
        np.testing.assert_array_equal(values.numpy(), expected[0])
        np.testing.assert_array_equal(inverse.numpy(), expected[1].reshape(-1))
        np.testing.assert_array_equal(counts.numpy(), expected[2])
    assert core.unique_dim(T.empty(0, 3), 0)[0].shape == (0, 3)
    with pytest.raises(RuntimeError, match="0 sized dimensions, and they aren't selected"):
        core.unique_dim(T.empty(3, 0), 0)


def test_unique_consecutive():
    t = T.tensor([1, 1, 2, 2, 2, 1, 3, 3])
    assert [r.tolist() for r in core._unique_consecutive(t, True, True)] == [
        [1, 2, 1, 3], [0, 0, 1, 1, 1, 2, 3, 3], [2, 3, 1, 2]]
    rows = T.tensor([[1, 2], [1, 2], [0, 0], [1, 2]])
    assert [r.tolist() for r in core._unique_consecutive(rows, True, True, 0)] == [
        [[1, 2], [0, 0], [1, 2]], [0, 0, 1, 2], [2, 1, 1]]


def test_results_that_were_asked_for():
    t = T.tensor([[2, 1], [2, 1]])
    assert t.unique().tolist() == [1, 2] and T.unique(t, dim=0).tolist() == [[2, 1]]
    values, counts = T.unique(t, return_counts=True)
    assert (values.tolist(), counts.tolist()) == ([1, 2], [2, 2])
    assert [r.tolist() for r in T.unique(t, True, True, True, dim=1)] == [[[1, 2], [1, 2]], [1, 0], [1, 1]]
    values, inverse = T.unique_consecutive(T.tensor([3, 3, 1]), return_inverse=True)
    assert (values.tolist(), inverse.tolist()) == ([3, 1], [0, 0, 1])
    assert T.tensor([3, 3, 1]).unique_consecutive().tolist() == [3, 1]


def test_every_nan_is_unique():
    values, inverse, counts = core._unique2(T.tensor([math.nan, 1.0, math.nan, 1.0]), True, True, True)
    assert values.numel() == 3 and counts.tolist() == [2, 1, 1] and inverse.tolist() == [1, 0, 2, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int8", "float16"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(dtype, side):
    bounds = np.sort(rng.integers(-20, 20, 50))
    values = rng.integers(-25, 25, (4, 30))
    b, v = (T.from_numpy(a).to(getattr(T, dtype)) for a in (bounds, values))
    expected = np.searchsorted(bounds, values, side)
    np.testing.assert_array_equal(T.searchsorted(b, v, side=side).numpy(), expected)
    np.testing.assert_array_equal(T.bucketize(v, b, right=side == "right").numpy(), expected)
    got = T.searchsorted(b, v, out_int32=True, right=side == "right")
    assert got.dtype == T.int32 and got.tolist() == expected.tolist()
    assert T.searchsorted(b, 3, side=side).item() == np.searchsorted(bounds, 3, side)
    rows = T.stack([b, b + 5])
    both = T.searchsorted(rows, T.stack([v[0], v[0]]), side=side)
    assert both[0].tolist() == expected[0].tolist()
    shuffled = T.from_numpy(rng.permutation(50))
    unsorted = T.empty_like(b)
    unsorted[shuffled] = b
    np.testing.assert_array_equal(T.searchsorted(unsorted, v, side=side, sorter=shuffled).numpy(), expected)


def test_nan_belongs_at_the_end():
    assert T.searchsorted(T.tensor([1.0, 2.0]), T.tensor([math.nan])).tolist() == [2]


def test_isin():
    x, y = rng.integers(0, 50, (6, 40)), rng.integers(0, 50, 15)
    np.testing.assert_array_equal(T.isin(T.from_numpy(x), T.from_numpy(y)).numpy(), np.isin(x, y))
    np.testing.assert_array_equal(T.isin(T.from_numpy(x), T.from_numpy(y), invert=True).numpy(), ~np.isin(x, y))
    assert T.isin(T.tensor([1, 2]), 2).tolist() == [False, True]
    assert T.isin(1, T.tensor([1.0, math.nan])).item() is True
    assert T.isin(T.tensor([math.nan]), T.tensor([math.nan])).tolist() == [False]


def test_histc():
    x = rng.standard_normal(5000)
    np.testing.assert_array_equal(T.from_numpy(x).histc(20, -2, 2).numpy(), np.histogram(x, 20, (-2, 2))[0])
    np.testing.assert_array_equal(T.histc(T.from_numpy(x), bins=7).numpy(), np.histogram(x, 7)[0])
    assert T.tensor([1.0, 1.0]).histc(4).tolist() == [0, 0, 2, 0]
    assert T.tensor([1.0, math.nan, 3.0]).histc(3, 0, 3).tolist() == [0, 1, 1]


def test_bincount():
    x, w = rng.integers(0, 9, 100), rng.standard_normal(100)
    np.testing.assert_array_equal(T.bincount(T.from_numpy(x)).numpy(), np.bincount(x))
    np.testing.assert_allclose(T.bincount(T.from_numpy(x), T.from_numpy(w), 12).numpy(), np.bincount(x, w, 12))
    assert T.bincount(T.tensor([1, 1]), T.tensor([1, 2])).dtype == T.float64
    assert T.bincount(T.empty(0, dtype=T.int64), minlength=2).tolist() == [0, 0]


@pytest.mark.parametrize(
    "error,words,call",
    [
        (RuntimeError, "non-negative integral inputs", lambda: T.bincount(T.tensor([-1]))),
        (RuntimeError, "non-negative integral inputs", lambda: T.bincount(T.tensor([[1]]))),
        (NotImplementedError, "bincount_cpu", lambda: T.bincount(T.tensor([1.0]))),
        (RuntimeError, "same length as input", lambda: T.bincount(T.tensor([1]), T.tensor([1.0, 2.0]))),
        (RuntimeError, "minlength should be >= 0", lambda: T.bincount(T.tensor([1]), minlength=-1)),
        (RuntimeError, "bins must be > 0", lambda: T.histc(T.ones(2), 0)),
        (RuntimeError, "is not finite", lambda: T.histc(T.tensor([math.nan]), 3)),
        (RuntimeError, "max must be larger than min", lambda: T.histc(T.ones(2), 3, 2, 1)),
        (RuntimeError, "side can only be .* but got up", lambda: T.searchsorted(T.ones(2), 1, side="up")),
        (RuntimeError, "sorter index out of range", lambda: T.searchsorted(T.ones(2), 1, sorter=T.tensor([0, 7]))),
        (RuntimeError, "must match", lambda: T.searchsorted(T.ones(2, 3), T.ones(3))),
        (RuntimeError, "boundaries tensor must be 1 dimension", lambda: T.bucketize(T.ones(2), T.ones(2, 2))),
        (RuntimeError, "Unsupported input type.*Bool", lambda: T.isin(T.tensor([True]), T.tensor([1]))),
    ],
)
def test_errors(error, words, call):
    with pytest.raises(error, match=words):
        call()
