"""masked_fill, masked_select, masked_scatter, nonzero, against NumPy."""

import numpy as np
import pytest

import tallow as T

rng = np.random.default_rng(0)
DTYPES = ["bool", "uint8", "int16", "int64", "float16", "float32", "float64", "complex64", "complex128"]
SHAPES = [(), (1,), (100,), (7, 9), (3, 1, 5), (0,), (2, 0), (300, 501)]


def pair(shape, dtype="float32"):
    a = (rng.standard_normal(shape) * 3).astype(dtype)
    return np.asarray(a), np.asarray(rng.integers(0, 2, shape).astype(bool))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_fill_select_scatter(shape, dtype):
    a, m = pair(shape, dtype)
    t, mask = T.tensor(a), T.tensor(m)
    want = np.where(m, np.array(1).astype(dtype), a)
    for got in (t.masked_fill(mask, 1), t.masked_fill(mask, T.tensor(1)), t.clone().masked_fill_(mask, 1)):
        np.testing.assert_array_equal(got.numpy(), want)
        assert got.dtype == t.dtype
    np.testing.assert_array_equal(t.masked_select(mask).numpy(), a[m])
    np.testing.assert_array_equal(t[mask].numpy(), a[m])
    source = (np.arange(a.size) % 1000).astype(dtype)
    want = a.copy()
    want[m] = source[: m.sum()]
    for got in (t.masked_scatter(mask, T.tensor(source)), t.clone().masked_scatter_(mask, T.tensor(source))):
        np.testing.assert_array_equal(got.numpy(), want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_nonzero(shape, dtype):
    a, m = pair(shape, dtype)
    a = np.where(m, a, np.zeros((), dtype))
    t = T.tensor(a)
    want = np.argwhere(a)
    for got in (t.nonzero(), T.argwhere(t), T.nonzero(t, out=T.empty(0, dtype=T.int64))):
        assert got.dtype == T.int64 and tuple(got.shape) == want.shape
        np.testing.assert_array_equal(got.numpy(), want)
    if a.ndim:
        for got, w in zip(T.where(t), a.nonzero(), strict=True):
            np.testing.assert_array_equal(got.numpy(), w)
    assert T.nonzero_static(t, size=3, fill_value=-7).shape == (3, a.ndim)


def test_sparse_and_dense_runs():
    for density in (0.0, 0.001, 0.5, 0.999, 1.0):
        m = rng.random((64, 1037)) < density
        t = T.from_numpy(m)
        np.testing.assert_array_equal(t.nonzero().numpy(), np.argwhere(m))
        np.testing.assert_array_equal(t[:, 1::3].nonzero().numpy(), np.argwhere(m[:, 1::3]))


def test_broadcast():
    a, _ = pair((4, 5))
    row, column = rng.integers(0, 2, 5).astype(bool), rng.integers(0, 2, (4, 1)).astype(bool)
    t = T.from_numpy(a)
    for m in (row, column):
        mask = T.from_numpy(m)
        full = np.broadcast_to(m, a.shape)
        np.testing.assert_array_equal(t.masked_fill(mask, 9).numpy(), np.where(full, 9, a))
        np.testing.assert_array_equal(t.masked_select(mask).numpy(), a[full])
        np.testing.assert_array_equal(t.clone().masked_fill_(mask, 9).numpy(), np.where(full, 9, a))
    assert T.zeros(3).masked_fill(T.ones(2, 3, dtype=T.bool), 1).shape == (2, 3)


def test_strided():
    a, m = pair((6, 8))
    t, mask = T.from_numpy(a.copy()).t(), T.from_numpy(m).t()
    np.testing.assert_array_equal(t.masked_fill(mask, 2).numpy(), np.where(m.T, 2, a.T))
    np.testing.assert_array_equal(t.masked_select(mask).numpy(), a.T[m.T])
    t[::2].masked_fill_(mask[::2], 2)
    want = a.T.copy()
    want[::2][m.T[::2]] = 2
    np.testing.assert_array_equal(t.numpy(), want)
    b = T.tensor([True, False, True])
    b.masked_fill_(b, False)
    assert b.tolist() == [False] * 3, "the mask may be the tensor itself"


def mask(*values):
    return T.tensor(values)


ERRORS = {
    "fill": (
        lambda x: x.masked_fill(mask(1, 0, 1), 1),
        RuntimeError,
        "only supports boolean masks, but got mask with dtype",
    ),
    "fill shape": (
        lambda x: x.masked_fill(mask(True, False), 1),
        RuntimeError,
        r"The size of tensor a \(3\) must match the size of tensor b \(2\)",
    ),
    "fill value": (
        lambda x: x.masked_fill(mask(True, False, True), T.ones(1)),
        RuntimeError,
        r"only supports a 0-dimensional value tensor, but got tensor with 1 dimension\(s\)",
    ),
    "fill complex": (lambda x: x.masked_fill(mask(True, False, True), 1j), RuntimeError, "value cannot be converted"),
    "fill in place": (
        lambda x: x.masked_fill_(mask([True, False, True]), 1),
        RuntimeError,
        r"output with shape \[3\] doesn't match the broadcast shape \[1, 3\]",
    ),
    "select": (lambda x: x.masked_select(mask(1, 0, 1)), RuntimeError, "masked_select: expected BoolTensor for mask"),
    "scatter": (
        lambda x: x.masked_scatter(mask(True, False, True), T.ones(1)),
        RuntimeError,
        "Number of elements of source < number of ones in mask",
    ),
    "scatter dtype": (
        lambda x: x.masked_scatter(mask(True, False, True), T.ones(3, dtype=T.int64)),
        RuntimeError,
        "same dtypes",
    ),
    "meta": (lambda x: x.to("meta").nonzero(), NotImplementedError, "depends on data"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    f, kind, message = ERRORS[name]
    x = T.zeros(3)
    with pytest.raises(kind, match=message):
        f(x)
    assert x.tolist() == [0, 0, 0]
