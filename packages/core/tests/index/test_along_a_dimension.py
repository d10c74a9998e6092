"""index_select, gather, scatter, index_add and their kin, against loops in Python."""

import itertools

import numpy as np
import pytest

import tallow as T

rng = np.random.default_rng(0)
DTYPES = ["uint8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128"]
REDUCE = {
    "sum": lambda a, b: a + b,
    "prod": lambda a, b: a * b,
    "amax": np.maximum,
    "amin": np.minimum,
    "mean": lambda a, b: a + b,
}


def array(*shape, dtype="float64"):
    return rng.integers(1, 5, shape).astype(dtype)


def same(t, a):
    assert tuple(t.shape) == a.shape
    np.testing.assert_array_equal(t.numpy(), a)


def layouts(a):
    yield T.from_numpy(a.copy())
    yield T.from_numpy(np.ascontiguousarray(a.T)).permute(*range(a.ndim - 1, -1, -1))
    yield T.from_numpy(np.repeat(a, 2, -1))[..., ::2]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_index_select(dtype, dim):
    a = array(4, 5, 6, dtype=dtype)
    i = rng.integers(0, a.shape[dim], 9)
    for t in layouts(a):
        same(t.index_select(dim, T.from_numpy(i)), a.take(i, dim))
        same(t.index_select(dim, T.from_numpy(i.astype(np.int32))), a.take(i, dim))
    same(T.index_select(T.from_numpy(a), dim, T.from_numpy(i), out=T.empty(0, dtype=getattr(T, dtype))), a.take(i, dim))


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_gather_and_take_along_dim(dim, dtype):
    a = array(4, 5, 6, dtype=dtype)
    shape = [4, 5, 6]
    shape[dim] = 3
    i = rng.integers(0, a.shape[dim], shape)
    for t in layouts(a):
        same(t.gather(dim, T.from_numpy(i)), np.take_along_axis(a, i, dim))
        same(t.take_along_dim(T.from_numpy(i - a.shape[dim]), dim), np.take_along_axis(a, i, dim))
    # An index may be smaller than self.
    part = i[:2, :3, :2]
    within = a[tuple(slice(None) if d == dim else slice(n) for d, n in enumerate(part.shape))]
    same(T.from_numpy(a).gather(dim, T.from_numpy(part)), np.take_along_axis(within, part, dim))


def scattered(a, dim, index, source, combine):
    """The loop that defines scatter."""
    out = a.copy()
    for at in itertools.product(*map(range, index.shape)):
        to = list(at)
        to[dim] = index[at]
        value = source[at] if isinstance(source, np.ndarray) else source
        out[tuple(to)] = combine(out[tuple(to)], value)
    return out


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_scatter(dim, dtype):
    a, source = array(4, 5, 6, dtype=dtype), array(4, 5, 6, dtype=dtype)
    index = rng.integers(0, a.shape[dim], (3, 4, 5))
    index = np.minimum(index, a.shape[dim] - 1)
    i, s = T.from_numpy(index), T.from_numpy(source)
    last = lambda old, new: new  # noqa: E731
    for t in layouts(a):
        same(t.scatter(dim, i, s), scattered(a, dim, index, source, last))
        same(t.scatter(dim, i, 3), scattered(a, dim, index, np.array(3).astype(dtype)[()], last))
        same(t.scatter_add(dim, i, s), scattered(a, dim, index, source, np.add))
        same(t.scatter(dim, i, s, reduce="add"), scattered(a, dim, index, source, np.add))
        same(
            t.scatter(dim, i, 2, reduce="multiply"),
            scattered(a, dim, index, np.array(2).astype(dtype)[()], np.multiply),
        )
        assert t.scatter_add_(dim, i, s) is t
        same(t, scattered(a, dim, index, source, np.add))


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", REDUCE)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32"])
def test_scatter_reduce(dtype, reduce, include_self):
    a, source = array(4, 5, dtype=dtype), array(6, 5, dtype=dtype)
    index = rng.integers(0, 4, (6, 5))
    want, counts = a.astype(float), np.ones(a.shape)
    if not include_self:
        hit = scattered(np.zeros(a.shape, bool), 0, index, True, lambda old, new: True)
        want[hit] = {"sum": 0, "mean": 0, "prod": 1, "amax": -np.inf, "amin": np.inf}[reduce]
        counts[hit] = 0
    want = scattered(want, 0, index, source, REDUCE[reduce])
    if reduce == "mean":
        want = want / scattered(counts, 0, index, 1, np.add)
        want = np.floor(want) if dtype.startswith("int") else want
    got = T.from_numpy(a).scatter_reduce(
        0, T.from_numpy(index), T.from_numpy(source), reduce, include_self=include_self
    )
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-6)
    assert got.dtype == getattr(T, dtype)


def test_nan_wins():
    nan = float("nan")
    for reduce in ("amax", "amin"):
        out = T.zeros(2).scatter_reduce(0, T.tensor([0, 0, 0, 1]), T.tensor([1.0, nan, 2.0, 3.0]), reduce)
        assert out.isnan().tolist() == [True, False]
        out = T.tensor([nan, 0.0]).index_reduce(0, T.tensor([0, 1]), T.tensor([1.0, 3.0]), reduce)
        assert out.isnan().tolist() == [True, False]


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_index_add_copy_fill(dim, dtype):
    a = array(4, 5, 6, dtype=dtype)
    shape = [4, 5, 6]
    shape[dim] = 7
    source = array(*shape, dtype=dtype)
    index = rng.integers(0, a.shape[dim], 7)
    at = (slice(None),) * dim + (index,)
    added, copied, filled = a.copy(), a.copy(), a.copy()
    np.add.at(added, at, 2 * source)
    for k, i in enumerate(index):
        copied[(slice(None),) * dim + (i,)] = source.take(k, dim)
    filled[at] = 9
    i, s = T.from_numpy(index), T.from_numpy(source)
    for t in layouts(a):
        same(t.index_add(dim, i, s, alpha=2), added)
        same(t.index_copy(dim, i, s), copied)
        same(t.index_fill(dim, i, 9), filled)
        same(t.index_fill(dim, i - a.shape[dim], T.tensor(9)), filled)
        same(t, a)
        t.index_add_(dim, i, s, alpha=2)
        same(t, added)


@pytest.mark.parametrize("reduce", ["prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("dim", [0, 1])
def test_index_reduce_is_a_scatter_reduce(reduce, include_self, dim):
    a, index = array(4, 5), rng.integers(0, 4, 6)
    source = array(6, 5) if dim == 0 else array(4, 6)
    wide = np.broadcast_to(index[:, None] if dim == 0 else index, source.shape).copy()
    t, i, s = T.from_numpy(a), T.from_numpy(index), T.from_numpy(source)
    want = t.scatter_reduce(dim, T.from_numpy(wide), s, reduce, include_self=include_self)
    T.testing.assert_close(t.index_reduce(dim, i, s, reduce, include_self=include_self), want)


def test_take_and_put():
    a = array(3, 4)
    for t in layouts(a):
        same(t.take(T.tensor([[0, -1], [5, 11]])), a.reshape(-1)[np.array([[0, -1], [5, 11]])])
        want = a.copy()
        np.put(want, [1, -1, 1], [7, 8, 9])
        same(t.put(T.tensor([1, -1, 1]), T.tensor([7.0, 8.0, 9.0]).double()), want)
        want = a.copy()
        np.add.at(want.reshape(-1), [1, -1, 1], [7, 8, 9])
        assert t.put_(T.tensor([1, -1, 1]), T.tensor([7.0, 8.0, 9.0]).double(), accumulate=True) is t
        same(t, want)


def test_no_dimensions():
    s = T.tensor(5.0)
    assert s.index_select(0, T.tensor([0])).tolist() == 5
    assert s.gather(0, T.tensor(0)).tolist() == 5 and s.gather(0, T.tensor([0, 0])).tolist() == [5, 5]
    assert s.scatter(0, T.tensor(0), 3.0).tolist() == 3 and s.index_add(0, T.tensor(0), T.tensor(2.0)).tolist() == 7
    assert s.take(T.tensor([0, -1])).tolist() == [5, 5]


def test_nothing_to_do():
    e = T.empty(0, dtype=T.int64)
    x = T.ones(3, 4)
    assert x.index_select(0, e).shape == (0, 4) and x.gather(0, e.reshape(0, 4)).shape == (0, 4)
    assert T.equal(x.scatter(0, e.reshape(0, 4), 5.0), x) and T.equal(x.index_add(0, e, T.ones(0, 4)), x)
    assert x.take(e).shape == (0,) and T.equal(x.put(e, T.empty(0)), x)
    assert T.ones(3, 0).index_select(1, e).shape == (3, 0)


def test_meta():
    x, i = T.empty(3, 4, device="meta"), T.empty(5, dtype=T.int64, device="meta")
    j = T.empty(2, 4, dtype=T.int64, device="meta")
    assert x.index_select(1, i).shape == (3, 5) and x.gather(0, j).shape == (2, 4)
    assert x.scatter_add(0, j, T.empty(2, 4, device="meta")).shape == (3, 4)
    assert x.scatter_(0, j, 1.0) is x and x.take(i).shape == (5,)


def i(*values):
    return T.tensor(values)


X = (3, 4)
ERRORS = {
    "index_select": (lambda x: x.index_select(0, i(3)), IndexError, "index out of range in self"),
    "index_select negative": (lambda x: x.index_select(0, i(-1)), IndexError, "index out of range in self"),
    "index_select dtype": (
        lambda x: x.index_select(0, T.tensor([1.0])),
        RuntimeError,
        "Expected dtype int32 or int64 for index",
    ),
    "index_select matrix": (lambda x: x.index_select(0, i([1])), IndexError, "Index is supposed to be a vector"),
    "gather": (lambda x: x.gather(0, i([3])), RuntimeError, "index 3 is out of bounds for dimension 0 with size 3"),
    "gather negative": (
        lambda x: x.gather(1, i([-1])),
        RuntimeError,
        "index -1 is out of bounds for dimension 1 with size 4",
    ),
    "gather lowest": (lambda x: x.gather(1, i([-(2**63)])), RuntimeError, "is out of bounds for dimension 1"),
    "scatter lowest": (lambda x: x.scatter_(1, i([-(2**63)]), 1.0), RuntimeError, "is out of bounds for dimension 1"),
    "take lowest": (lambda x: x.take(i(-(2**63))), IndexError, "out of range"),
    "fill lowest": (lambda x: x.index_fill_(0, i(-(2**63)), 1.0), IndexError, "is out of bounds"),
    "gather far": (lambda x: x.gather(1, i([2**62])), RuntimeError, "is out of bounds for dimension 1"),
    "gather rank": (lambda x: x.gather(0, i(0)), RuntimeError, "same number of dimensions as input tensor"),
    "gather shape": (
        lambda x: x.gather(0, i([0] * 5)),
        RuntimeError,
        r"Size does not match at dimension 1 expected index \[1, 5\] to be no larger than self \[3, 4\] "
        r"apart from dimension 0",
    ),
    "scatter": (
        lambda x: x.scatter_(0, i([3]), 1.0),
        RuntimeError,
        "index 3 is out of bounds for dimension 0 with size 3",
    ),
    "scatter dtype": (
        lambda x: x.scatter(0, i([0]), i([1])),
        RuntimeError,
        "Expected self.dtype to be equal to src.dtype",
    ),
    "scatter shape": (
        lambda x: x.scatter(0, i([0, 0]), T.ones(1, 1)),
        RuntimeError,
        r"to be no larger size than src \[1, 1\]",
    ),
    "scatter reduce": (
        lambda x: x.scatter(0, i([0]), T.ones(1, 1), reduce="x"),
        RuntimeError,
        "must be either add or multiply",
    ),
    "scatter_reduce": (
        lambda x: x.scatter_reduce(0, i([0]), T.ones(1, 1), "x"),
        RuntimeError,
        "must be either sum, prod, mean, amax or amin, got x",
    ),
    "scatter into a repeat": (
        lambda x: x[:1].expand(3, 4).scatter_(0, i([0]), 1.0),
        RuntimeError,
        "single memory location",
    ),
    "index_add": (lambda x: x.index_add_(0, i(3), T.ones(1, 4)), IndexError, "index out of range in self"),
    "index_add count": (
        lambda x: x.index_add_(0, i(0), T.ones(2, 4)),
        RuntimeError,
        r"Number of indices \(1\) should be equal to source.size\(dim\): \(2\)",
    ),
    "index_add shape": (
        lambda x: x.index_add_(0, i(0), T.ones(1, 5)),
        RuntimeError,
        "source tensor shape must match self tensor shape",
    ),
    "index_copy": (
        lambda x: x.index_copy_(0, i(3), T.ones(1, 4)),
        IndexError,
        r"index_copy_\(\): index 3 is out of bounds",
    ),
    "index_fill": (lambda x: x.index_fill_(0, i(-4), 1.0), IndexError, "index -4 is out of bounds"),
    "index_reduce": (
        lambda x: x.index_reduce(0, i(0), T.ones(1, 4), "sum"),
        RuntimeError,
        "one of prod, mean, amax or amin but got sum",
    ),
    "take": (lambda x: x.take(i(12)), IndexError, "out of range: tried to access index 12 on a tensor of 12 elements"),
    "take from nothing": (lambda x: x[:0].take(i(0)), IndexError, "tried to take from an empty tensor"),
    "put": (lambda x: x.put_(i(-13), T.ones(1)), IndexError, "tried to access index -13"),
    "take_along_dim": (lambda x: x.take_along_dim(i([9]), 0), RuntimeError, "index 9 is out of bounds for dimension 0"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    f, kind, message = ERRORS[name]
    x = T.zeros(X)
    with pytest.raises(kind, match=message):
        f(x)
