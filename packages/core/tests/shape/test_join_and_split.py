"""cat, stack and their kin, split and its kin, against NumPy."""

import numpy as np
import pytest

import tallow as T

rng = np.random.default_rng(0)
DTYPES = ["bool", "uint8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128"]


def same(t, a):
    assert tuple(t.shape) == a.shape
    np.testing.assert_array_equal(t.numpy(), a)


def random(*shape, dtype="float32"):
    return (rng.standard_normal(shape) * 4).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_cat(dtype, dim):
    sizes = [(3, 4, 5), (3, 4, 5), (3, 4, 5)]
    arrays = []
    for i, size in enumerate(sizes):
        size = list(size)
        size[dim] += i
        arrays.append(random(*size, dtype=dtype))
    tensors = [T.from_numpy(a) for a in arrays]
    want = np.concatenate(arrays, dim)
    same(T.cat(tensors, dim), want)
    same(T.concat(tensors, dim=dim), want)
    same(T.cat(tensors, dim, out=T.empty(0, dtype=getattr(T, dtype))), want)
    assert T.cat([t.to("meta") for t in tensors], dim).shape == want.shape


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_stack(dim):
    arrays = [random(3, 4) for _ in range(5)]
    same(T.stack([T.from_numpy(a) for a in arrays], dim), np.stack(arrays, dim))


@pytest.mark.parametrize("item", [1, 3, 100])
@pytest.mark.parametrize("rows", [1, 7, 5000])
def test_cat_of_many_widths(rows, item):
    for dtype in ("uint8", "int16", "float32", "float64", "complex128"):
        arrays = [random(rows, item, dtype=dtype), random(rows, 2 * item, dtype=dtype)]
        same(T.cat([T.from_numpy(a) for a in arrays], 1), np.concatenate(arrays, 1))


def test_cat_of_views():
    a = random(6, 8)
    t = T.from_numpy(a)
    same(T.cat([t[:, 1:3], t[:, ::2], t[::1, 5:]], 1), np.concatenate([a[:, 1:3], a[:, ::2], a[:, 5:]], 1))
    same(T.cat([t.t(), t.t()], 0), np.concatenate([a.T, a.T], 0))
    same(T.cat([t[:1].expand(3, 8), t], 0), np.concatenate([np.broadcast_to(a[:1], (3, 8)), a]))
    same(T.stack([t[:3].expand(3, 8), t[3:]], 1), np.stack([a[:3], a[3:]], 1))


def test_cat_promotes():
    assert T.cat([T.ones(2), T.ones(2, dtype=T.int64)]).dtype == T.float32
    assert T.cat([T.ones(2, dtype=T.int32), T.ones(2, dtype=T.bool)]).dtype == T.int32
    assert T.cat([T.ones(2), T.ones(2, dtype=T.complex128)]).tolist() == [1, 1, 1, 1]


def test_cat_skips_empty_vectors_and_keeps_channels_last():
    assert T.cat([T.empty(0), T.ones(2, 3)]).shape == (2, 3)
    x = T.ones(2, 3, 4, 5).contiguous(memory_format=T.channels_last)
    y = T.cat([x, x], 1)
    assert y.is_contiguous(memory_format=T.channels_last) and y.sum() == 240


def test_named_stacks():
    a, b = random(3), random(3)
    s, t = T.from_numpy(a), T.from_numpy(b)
    same(T.hstack([s, t]), np.hstack([a, b]))
    same(T.vstack([s, t]), np.vstack([a, b]))
    same(T.row_stack([s, t]), np.vstack([a, b]))
    same(T.dstack([s, t]), np.dstack([a, b]))
    same(T.column_stack([s, t]), np.column_stack([a, b]))
    m = random(2, 3)
    same(T.hstack([T.from_numpy(m), T.from_numpy(m)]), np.hstack([m, m]))
    want = np.zeros((4, 7), np.float32)
    want[:2, :3], want[2, 3:6], want[3, 6] = m, a, 2
    same(T.block_diag(T.from_numpy(m), s, T.tensor(2.0)), want)


SPLITS = {
    "split": (lambda t: t.split(3), [3, 3, 1]),
    "split of sizes": (lambda t: t.split([1, 0, 6]), [1, 0, 6]),
    "function": (lambda t: T.split(t, 4), [4, 3]),
    "split_with_sizes": (lambda t: T.split_with_sizes(t, [2, 5]), [2, 5]),
    "chunk": (lambda t: t.chunk(3), [3, 3, 1]),
    "chunk into more than there is": (lambda t: t.chunk(9), [1] * 7),
    "tensor_split": (lambda t: t.tensor_split(3), [3, 2, 2]),
    "tensor_split at": (lambda t: t.tensor_split((2, 5, 9)), [2, 3, 2, 0]),
    "tensor_split at a tensor": (lambda t: t.tensor_split(T.tensor([2, 5])), [2, 3, 2]),
    "vsplit": (lambda t: T.vsplit(t, (3,)), [3, 4]),
}


@pytest.mark.parametrize("name", SPLITS)
def test_split(name):
    f, sizes = SPLITS[name]
    a = random(7, 2)
    t = T.from_numpy(a)
    parts = f(t)
    assert isinstance(parts, tuple) and [p.shape[0] for p in parts] == sizes
    at = 0
    for p, n in zip(parts, sizes, strict=True):
        same(p, a[at : at + n])
        if n:
            assert p.data_ptr() == t[at:].data_ptr(), "a view"
        at += n


def test_split_along_other_dimensions():
    a = random(2, 6, 3)
    t = T.from_numpy(a)
    for p, q in zip(t.split(4, 1), (a[:, :4], a[:, 4:]), strict=True):
        same(p, q)
    for p, q in zip(T.hsplit(t, 2), np.split(a, 2, 1), strict=True):
        same(p, q)
    for p, q in zip(T.dsplit(t, (1,)), (a[..., :1], a[..., 1:]), strict=True):
        same(p, q)
    for p, i in zip(t.unbind(-1), range(3), strict=True):
        same(p, a[..., i])


ERRORS = {
    "cat of nothing": (lambda: T.cat([]), ValueError, "expected a non-empty list of Tensors"),
    "cat": (
        lambda: T.cat([T.ones(2, 3), T.ones(2, 4)]),
        RuntimeError,
        "Sizes of tensors must match except in dimension 0. "
        "Expected size 3 but got size 4 for tensor number 1 in the list",
    ),
    "cat of ranks": (lambda: T.cat([T.ones(2, 3), T.ones(2)]), RuntimeError, "same number of dimensions: got 2 and 1"),
    "cat of numbers": (
        lambda: T.cat([T.tensor(1)]),
        RuntimeError,
        r"zero-dimensional tensor \(at position 0\) cannot be concatenated",
    ),
    "cat at": (lambda: T.cat([T.ones(2)], 1), IndexError, "Dimension out of range"),
    "stack": (lambda: T.stack([T.ones(2), T.ones(3)]), RuntimeError, r"got \[2\] at entry 0 and \[3\] at entry 1"),
    "stack of nothing": (lambda: T.stack([]), RuntimeError, "stack expects a non-empty TensorList"),
    "split": (
        lambda: T.ones(5).split(-1),
        RuntimeError,
        "split expects split_size be non-negative, but got split_size=-1",
    ),
    "split sizes": (lambda: T.ones(5).split([2, 2]), RuntimeError, "split_sizes to sum exactly to 5"),
    "split negative": (lambda: T.ones(5).split([-1, 6]), RuntimeError, "only non-negative entries"),
    "split overflow": (lambda: T.ones(5).split([2**62, 2**62, 2**62]), RuntimeError, "overflow"),
    "chunk": (lambda: T.ones(5).chunk(0), RuntimeError, "chunk expects `chunks` to be greater than 0, got: 0"),
    "tensor_split": (
        lambda: T.ones(5).tensor_split(0),
        RuntimeError,
        "number of sections must be larger than 0, got 0",
    ),
    "hsplit": (lambda: T.hsplit(T.ones(3), 2), RuntimeError, "not divisible by the split_size 2"),
    "unbind": (lambda: T.tensor(1).unbind(), IndexError, "Dimension specified as 0 but tensor has no dimensions"),
    "block_diag": (
        lambda: T.block_diag(T.ones(1, 1, 1)),
        RuntimeError,
        "2 or fewer dimensions. Input 0 has 3 dimensions",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    f, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        f()
