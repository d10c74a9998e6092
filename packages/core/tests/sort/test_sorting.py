"""sort, argsort, topk, kthvalue, median, mode, quantile against NumPy."""

import math

import numpy as np
import pytest

import tallow as T

rng = np.random.default_rng(3)
DTYPES = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
SHAPES = [(), (1,), (7,), (300,), (20_000,), (5, 400), (4, 3, 30), (0,), (2, 0)]


def make(shape, dtype):
    x = rng.standard_normal(shape) * 5
    if dtype == "bool":
        x = x > 0
    elif dtype == "uint8":
        x = abs(x)
    t = T.from_numpy(np.array(x)).to(getattr(T, dtype))
    return t, t.to(T.float64 if t.dtype.is_floating_point else T.int64).numpy()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sort_is_stable_both_ways(shape, dtype):
    t, exact = make(shape, dtype)
    for dim in range(-max(1, t.ndim), max(1, t.ndim)):
        for descending in (False, True):
            values, indices = T.sort(t, dim, descending)
            if t.ndim == 0:
                assert (values.item(), indices.item()) == (t.item(), 0)
                continue
            order = np.argsort(-exact if descending else exact, dim, kind="stable")
            np.testing.assert_array_equal(indices.numpy(), order)
            np.testing.assert_array_equal(values.to(T.float64).numpy(), np.take_along_axis(exact, order, dim))
            np.testing.assert_array_equal(t.argsort(dim, descending).numpy(), order)
            assert values.dtype == t.dtype


def test_nan_is_largest_and_zeros_are_equal():
    nan, inf = math.nan, math.inf
    x = T.tensor([0.0, nan, -0.0, inf, -inf, nan, 1.0])
    assert x.argsort().tolist() == [4, 0, 2, 6, 3, 1, 5]
    assert x.argsort(descending=True).tolist() == [1, 5, 3, 6, 0, 2, 4]
    assert x.topk(3).indices.tolist() == [1, 5, 3]
    assert x.topk(2, largest=False).indices.tolist() == [4, 0]
    assert x.kthvalue(7).indices.item() == 5


def test_sort_of_views_and_out():
    x = rng.standard_normal((6, 8))
    t = T.from_numpy(x)
    np.testing.assert_array_equal(t.t()[::2].sort(1).values.numpy(), np.sort(x.T[::2], 1))
    values, indices = T.empty(0, dtype=T.float64), T.empty(0, dtype=T.int64)
    T.sort(t, 0, out=(values, indices))
    np.testing.assert_array_equal(values.numpy(), np.sort(x, 0))
    np.testing.assert_array_equal(T.msort(t).numpy(), np.sort(x, 0))
    T.sort(t, 1, out=(t, indices))  # into what is read
    np.testing.assert_array_equal(t.numpy(), np.sort(x, 1))
    assert t.to("meta").sort().values.shape == t.shape


@pytest.mark.parametrize("n,k", [(5, 5), (100, 1), (1000, 10), (30_000, 100), (30_000, 20_000), (4, 0)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bfloat16", "uint8"])
def test_topk(n, k, dtype):
    t, exact = make((3, n), dtype)
    for largest in (True, False):
        values, indices = t.topk(k, largest=largest)
        expected = np.sort(exact, 1)[:, ::-1][:, :k] if largest else np.sort(exact, 1)[:, :k]
        np.testing.assert_array_equal(values.to(T.float64).numpy(), expected)
        np.testing.assert_array_equal(np.take_along_axis(exact, indices.numpy(), 1), expected)
        assert all(len(set(row)) == k for row in indices.tolist())
        across = t.t().contiguous().topk(k, 0, largest)
        assert T.equal(across.values.t(), values) and T.equal(across.indices.t(), indices)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "float16"])
def test_kthvalue_and_median(dtype):
    t, exact = make((4, 9, 6), dtype)
    for dim in (-1, 0, 1):
        n = t.shape[dim]
        ordered = np.sort(exact, dim)
        for k in range(1, n + 1):
            got = t.kthvalue(k, dim, keepdim=True)
            np.testing.assert_array_equal(got.values.to(T.float64).numpy(), np.take(ordered, [k - 1], dim))
            there = np.take_along_axis(exact, got.indices.numpy(), dim)
            np.testing.assert_array_equal(there, got.values.double().numpy())
        got = t.median(dim)
        np.testing.assert_array_equal(got.values.to(T.float64).numpy(), np.take(ordered, (n - 1) // 2, dim))
    assert t.median().item() == np.sort(exact, None)[(t.numel() - 1) // 2]


def test_median_and_nan():
    nan = math.nan
    x = T.tensor([[3.0, nan, 1.0, 2.0], [nan, nan, nan, nan], [4.0, 3.0, 2.0, 1.0]])
    got = x.median(1)
    assert math.isnan(got.values[0].item()) and got.values[2].item() == 2 and got.indices.tolist() == [1, 0, 2]
    got = x.nanmedian(1)
    assert got.values[0].item() == 2 and math.isnan(got.values[1].item()) and got.indices.tolist() == [3, 0, 2]
    assert math.isnan(x.median().item()) and x.nanmedian().item() == 2
    assert math.isnan(T.empty(0).median().item())


def test_mode():
    x = T.tensor([[1, 2, 2, 1, 3], [3, 3, 3, 1, 1]])
    assert [v.tolist() for v in x.mode()] == [[1, 3], [3, 2]]
    assert [v.tolist() for v in x.mode(0, keepdim=True)] == [[[1, 2, 2, 1, 1]], [[0, 0, 0, 1, 1]]]


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantile(method):
    x = rng.standard_normal((5, 7))
    t, q = T.from_numpy(x), [0.0, 0.3, 0.55, 1.0]
    for dim in (0, 1, None):
        got = T.quantile(t, T.tensor(q, dtype=T.float64), dim=dim, interpolation=method)
        np.testing.assert_allclose(got.numpy(), np.quantile(x, q, axis=dim, method=method), rtol=1e-12)
    assert T.quantile(t, 0.3, dim=1, keepdim=True).shape == (5, 1) and T.quantile(t, 0.3).ndim == 0
    assert T.quantile(t, T.tensor(q, dtype=T.float64), keepdim=True).shape == (4, 1, 1)


def test_quantile_and_nan():
    x = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]])
    t = T.from_numpy(x)
    assert math.isnan(t.quantile(0.5, 1)[0].item()) and t.quantile(0.5, 1)[1].item() == 5
    np.testing.assert_allclose(t.nanquantile(0.4, 1).numpy(), np.nanquantile(x, 0.4, 1))


@pytest.mark.parametrize(
    "error,words,call",
    [
        (IndexError, "but got 2", lambda x: x.sort(2)),
        (RuntimeError, "Sort does not support complex", lambda x: T.complex(x, x).sort()),
        (RuntimeError, "selected index k out of range", lambda x: x.topk(4)),
        (RuntimeError, "selected index k out of range", lambda x: x.topk(-1)),
        (RuntimeError, "selected number k out of range for dimension 1", lambda x: x.kthvalue(0)),
        (NotImplementedError, "median_cpu", lambda x: (x > 0).median()),
        (IndexError, "median\\(\\): Expected reduction dim 0 to have non-zero size", lambda x: x[:0].median(0)),
        (IndexError, "mode\\(\\): Expected reduction dim 0", lambda x: x[:0].mode(0)),
        (RuntimeError, "q must be in the range \\[0, 1\\] but got 1.5", lambda x: x.quantile(1.5)),
        (RuntimeError, "q values must be in the range", lambda x: x.quantile(T.tensor([-0.5]))),
        (RuntimeError, "either float or double", lambda x: x.int().quantile(0.5)),
        (RuntimeError, "but got cubic", lambda x: x.quantile(0.5, interpolation="cubic")),
    ],
)
def test_errors(error, words, call):
    with pytest.raises(error, match=words):
        call(T.ones(2, 3))
