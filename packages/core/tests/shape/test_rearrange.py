"""Flips, rolls, repetitions, triangles, diagonals, grids, and copies of views, against NumPy."""

import itertools

import numpy as np
import pytest

import tallow as T

rng = np.random.default_rng(0)
M = rng.standard_normal((5, 7)).astype(np.float32)
C = rng.standard_normal((2, 3, 4)).astype(np.float32)


def same(t, a):
    assert tuple(t.shape) == a.shape
    np.testing.assert_array_equal(t.numpy(), a)


CASES = {
    "flip": (lambda t: t.flip(0, 2), lambda a: np.flip(a, (0, 2)), C),
    "flip rows": (lambda t: t.flip(-1), lambda a: a[..., ::-1], C),
    "flip nothing": (lambda t: t.flip(()), lambda a: a, C),
    "fliplr": (T.fliplr, np.fliplr, M),
    "flipud": (T.flipud, np.flipud, M),
    "roll": (lambda t: t.roll(3), lambda a: np.roll(a, 3), C),
    "roll dims": (lambda t: t.roll((1, -5), (0, 2)), lambda a: np.roll(a, (1, -5), (0, 2)), C),
    "rot90": (lambda t: t.rot90(), np.rot90, M),
    "rot90 thrice": (lambda t: t.rot90(-1, (1, 2)), lambda a: np.rot90(a, -1, (1, 2)), C),
    "repeat": (lambda t: t.repeat(2, 1, 3), lambda a: np.tile(a, (2, 1, 3)), C),
    "repeat in front": (lambda t: t.repeat(2, 1, 1, 2), lambda a: np.tile(a, (2, 1, 1, 2)), C),
    "repeat never": (lambda t: t.repeat(1, 0, 1), lambda a: np.tile(a, (1, 0, 1)), C),
    "tile": (lambda t: t.tile(2), lambda a: np.tile(a, 2), C),
    "repeat_interleave": (lambda t: t.repeat_interleave(2, 1), lambda a: np.repeat(a, 2, 1), C),
    "repeat_interleave flat": (lambda t: t.repeat_interleave(3), lambda a: np.repeat(a, 3), C),
    "repeat_interleave counts": (
        lambda t: t.repeat_interleave(T.tensor([1, 0, 3]), dim=1),
        lambda a: np.repeat(a, [1, 0, 3], 1),
        C,
    ),
    "tril": (lambda t: t.tril(-1), lambda a: np.tril(a, -1), C),
    "triu": (lambda t: t.triu(2), lambda a: np.triu(a, 2), M),
    "triu far": (lambda t: t.triu(100), lambda a: np.triu(a, 100), M),
    "tril far": (lambda t: t.tril(2**62), lambda a: a, M),
    "diag of a vector": (lambda t: t.diag(1), lambda a: np.diag(a, 1), M[0]),
    "diag of a matrix": (lambda t: t.diag(-2), lambda a: np.diag(a, -2), M),
    "diagflat": (lambda t: T.diagflat(t), np.diagflat, M),
    "trace": (lambda t: t[:, :5].trace().round(decimals=3), lambda a: np.asarray(np.trace(a[:, :5])).round(3), M),
    "atleast_3d": (T.atleast_3d, np.atleast_3d, M),
    "atleast_2d": (T.atleast_2d, np.atleast_2d, M[0]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("layout", ["dense", "transposed", "strided"])
def test_values(name, layout):
    f, g, a = CASES[name]
    if layout == "transposed" and a.ndim > 1:
        a = np.ascontiguousarray(np.swapaxes(a, 0, 1)).swapaxes(0, 1)
    elif layout == "strided":
        wide = np.repeat(a, 2, -1)
        wide[..., 1::2] = 99
        a = wide[..., ::2]
    if name == "trace":
        np.testing.assert_allclose(f(T.from_numpy(a)).numpy(), g(a), rtol=1e-3)
    else:
        same(f(T.from_numpy(a)), g(a))


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "int32", "int64", "float16", "float64", "complex64", "complex128"]
)
def test_dtypes(dtype):
    a = (rng.standard_normal((6, 9)) * 3).astype(dtype)
    t = T.from_numpy(a)
    same(t.flip(0, 1), a[::-1, ::-1])
    same(t.tril(1), np.tril(a, 1))
    same(t.roll(4, 1), np.roll(a, 4, 1))
    same(t.repeat(2, 2), np.tile(a, (2, 2)))


@pytest.mark.parametrize("offset", range(-3, 4))
def test_diag_embed_is_the_opposite_of_diagonal(offset):
    t = T.from_numpy(C)
    for dim1, dim2 in itertools.permutations(range(4), 2):
        e = T.diag_embed(t, offset, dim1, dim2)
        same(e.diagonal(offset, dim1, dim2), C)
        assert e.count_nonzero() == C.size


def test_fill_diagonal():
    for shape, wrap in itertools.product([(3, 3), (7, 3), (3, 7), (9, 2)], [False, True]):
        a = np.zeros(shape)
        np.fill_diagonal(a, 5, wrap)
        same(T.zeros(shape, dtype=T.float64).fill_diagonal_(5, wrap), a)
    a = np.zeros((3, 3, 3))
    np.fill_diagonal(a, 2)
    same(T.zeros(3, 3, 3, dtype=T.float64).fill_diagonal_(2), a)


def test_grids():
    a, b = T.arange(3), T.arange(4)
    for indexing in ("ij", "xy"):
        for t, want in zip(
            T.meshgrid(a, b, indexing=indexing), np.meshgrid(a.numpy(), b.numpy(), indexing=indexing), strict=True
        ):
            same(t, want)
    same(T.cartesian_prod(a, b), np.array(list(itertools.product(range(3), range(4)))))
    for r, again in itertools.product(range(1, 5), [False, True]):
        pick = itertools.combinations_with_replacement if again else itertools.combinations
        assert T.combinations(a, r, again).tolist() == [list(p) for p in pick(range(3), r)]
    for t, want in zip(T.broadcast_tensors(T.ones(3, 1), T.ones(4)), (np.ones((3, 4)),) * 2, strict=True):
        same(t, want)


SCATTERS = {
    "select": (lambda t: t.select(1, 2), lambda t, s: T.select_scatter(t, s, 1, 2)),
    "slice": (lambda t: t[:, 1:3], lambda t, s: T.slice_scatter(t, s, 1, 1, 3)),
    "slice with a step": (lambda t: t[..., ::2], lambda t, s: T.slice_scatter(t, s, -1, step=2)),
    "diagonal": (lambda t: t.diagonal(0, 1, 2), lambda t, s: T.diagonal_scatter(t, s, 0, 1, 2)),
    "as_strided": (
        lambda t: t.as_strided((2, 2), (4, 5), 1),
        lambda t, s: T.as_strided_scatter(t, s, (2, 2), (4, 5), 1),
    ),
}


@pytest.mark.parametrize("name", SCATTERS)
def test_scatter_into_a_view(name):
    view, scatter = SCATTERS[name]
    t = T.from_numpy(C.copy())
    s = T.full_like(view(t), 7)
    out = scatter(t, s)
    same(t, C)
    view(t).copy_(s)
    assert T.equal(out, t)
    with pytest.raises(RuntimeError, match="expected src to have a size equal to"):
        scatter(t, T.ones(9, 9))


def test_copies_of_views_share_nothing():
    t = T.from_numpy(C.copy())
    pairs = [
        (T.permute_copy(t, (2, 0, 1)), t.permute(2, 0, 1)),
        (T.transpose_copy(t, 0, 1), t.transpose(0, 1)),
        (T.view_copy(t, (4, 6)), t.view(4, 6)),
        (T.expand_copy(t, (2, 2, 3, 4)), t.expand(2, 2, 3, 4)),
        (T.diagonal_copy(t, 0, 1, 2), t.diagonal(0, 1, 2)),
        (T.squeeze_copy(t[:1]), t[:1].squeeze()),
        (T.narrow_copy(t, 1, 0, 2), t.narrow(1, 0, 2)),
        (T.select_copy(t, 0, 1), t.select(0, 1)),
        *zip(T.unbind_copy(t), t.unbind(), strict=True),
        *zip(T.split_copy(t, 2, 2), t.split(2, 2), strict=True),
    ]
    for copy, view in pairs:
        assert T.equal(copy, view) and copy.is_contiguous() and copy.data_ptr() != view.data_ptr()


def test_in_place_triangles():
    t = T.from_numpy(M.copy())
    assert t.tril_() is t
    same(t, np.tril(M))
    v = T.from_numpy(M.copy())
    v.t().triu_()
    same(v, np.triu(M.T).T)


ERRORS = {
    "flip": (lambda t: t.flip(0, 0), RuntimeError, "dim 0 appears multiple times in the list of dims"),
    "roll": (lambda t: t.roll((1, 2), (0,)), RuntimeError, "shifts and dimensions must align. shifts: 2, dims:1"),
    "rot90": (lambda t: t.rot90(1, (0, 0)), RuntimeError, "expected rotation dims to be different"),
    "repeat": (lambda t: t.repeat(2), RuntimeError, "can not be smaller than number of dimensions of tensor"),
    "repeat negative": (lambda t: t.repeat(-1, 1, 1), RuntimeError, "negative"),
    "repeat too often": (lambda t: t.repeat(2**40, 2**40, 1), RuntimeError, "overflow"),
    "interleave": (lambda t: t.repeat_interleave(-1), RuntimeError, "Repeats must be non-negative"),
    "interleave counts": (
        lambda t: t.repeat_interleave(T.tensor([1, -1]), 0),
        RuntimeError,
        "repeats can not be negative",
    ),
    "interleave size": (
        lambda t: t.repeat_interleave(T.tensor([1, 1, 1]), 0),
        RuntimeError,
        "repeats must have the same size as input along dim",
    ),
    "tril": (lambda t: t[0, 0].tril(), RuntimeError, "tril: input tensor must have at least 2 dimensions"),
    "diag": (lambda t: t.diag(), RuntimeError, "Supports 1D or 2D tensors. Got 3D"),
    "trace": (lambda t: t.trace(), RuntimeError, "trace: expected a matrix, but got tensor with dim 3"),
    "meshgrid": (
        lambda t: T.meshgrid(t[0, 0], indexing="q"),
        RuntimeError,
        'indexing must be one of "xy" or "ij", but received: q',
    ),
    "combinations": (lambda t: T.combinations(t[0]), RuntimeError, r"Expect a 1D vector, but got shape \[3, 4\]"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    f, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        f(T.from_numpy(C.copy()))
