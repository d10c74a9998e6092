"""x[...] with tensors, against NumPy: every mixture of integers, slices, None, masks and index tensors."""

import numpy as np
import pytest

import tallow as T

X = np.arange(4 * 5 * 6, dtype=np.float64).reshape(4, 5, 6)
M2 = np.arange(20).reshape(4, 5) % 3 == 0
M3 = X % 7 == 0

KEYS = {
    "one": ([0, 2, -1],),
    "two": ([0, 2], [1, -1]),
    "three": ([0, 1], [2, 3], [4, 5]),
    "broadcast": ([[0], [3]], [[1, 2, 4]]),
    "second": (slice(None), [4, 0, 0]),
    "last": (Ellipsis, [5, 0]),
    "apart": ([0, 1], slice(None), [2, 3]),
    "int between": ([0, 1], 2, [3, 4]),
    "adjacent after slice": (slice(1, 3), [0, 1], [1, 2]),
    "of two dimensions": ([[0, 1], [2, 3]],),
    "None in front": (None, [0, 1]),
    "None between": ([0, 1], None, [0, 1]),
    "ellipsis between": ([0, 1], Ellipsis, [0, 1]),
    "no positions": (np.zeros(0, np.int64),),
    "mask": (M3,),
    "mask of two": (M2,),
    "mask of two, then int": (M2, 3),
    "mask of two, then list": (M2, np.arange(M2.sum()) % 6),
    "mask of one": ([True, False, True, True],),
    "mask in the middle": (slice(None), [True, False, True, True, False]),
    "mask and positions": ([True, False, False, True], [1, 2]),
    "mask of nothing": (np.zeros((4, 5), bool),),
    "int32": (np.array([1, 3], np.int32), np.array([0, 4], np.int32)),
    "zero-dim index": (np.array(2), [1, 2]),
    "True": (True, [0, 1]),
    "False": (False,),
}


def as_key(key, wrap):
    return tuple(wrap(np.asarray(k)) if isinstance(k, (list, np.ndarray)) else k for k in key)


def numpy_key(key):
    return as_key(key, lambda a: a)


def tensor_key(key):
    return as_key(key, T.from_numpy)


LAYOUTS = {
    "dense": lambda a: T.from_numpy(a.copy()),
    "permuted": lambda a: T.from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1))).permute(1, 2, 0),
    "strided": lambda a: T.from_numpy(np.repeat(np.repeat(a, 2, 2), 3, 0))[::3, :, ::2],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", KEYS)
def test_read(name, layout):
    want = X[numpy_key(KEYS[name])]
    got = LAYOUTS[layout](X)[tensor_key(KEYS[name])]
    assert tuple(got.shape) == want.shape
    np.testing.assert_array_equal(got.numpy(), want)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("value", ["number", "row", "all"])
def test_write(name, layout, value):
    a, t = X.copy(), LAYOUTS[layout](X)
    shape = a[numpy_key(KEYS[name])].shape
    if value == "number":
        v = np.float64(-1)
    elif value == "row":
        v = -np.arange(1, shape[-1] + 1, dtype=np.float64)
    else:
        v = -np.arange(1, 1 + int(np.prod(shape)), dtype=np.float64).reshape(shape)
    a[numpy_key(KEYS[name])] = v
    t[tensor_key(KEYS[name])] = -1 if value == "number" else T.from_numpy(v)
    np.testing.assert_array_equal(t.numpy(), a)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int16", "complex128"])
def test_accumulate(name, layout, dtype):
    key = KEYS[name]
    if any(isinstance(k, (slice, bool, int)) or k is None or k is Ellipsis for k in key):
        pytest.skip("index_put takes tensors")
    a = X.astype(dtype)
    t = LAYOUTS[layout](a)
    v = np.ones(a[numpy_key(key)].shape, dtype)
    np.add.at(a, numpy_key(key), v)
    t.index_put_(tensor_key(key), T.from_numpy(v), accumulate=True)
    np.testing.assert_array_equal(t.numpy(), a)


def test_repeats_add_up_and_the_last_write_wins():
    t = T.zeros(3)
    t.index_put_((T.tensor([1, 1, 1, 0]),), T.tensor([1.0, 2.0, 4.0, 8.0]), accumulate=True)
    assert t.tolist() == [8, 7, 0]
    t[T.tensor([2, 2, 2])] = T.tensor([1.0, 2.0, 3.0])
    assert t.tolist() == [8, 7, 3]
    h = T.zeros(2, dtype=T.float16)
    h.index_put_((T.zeros(2048, dtype=T.int64),), T.ones(2048, dtype=T.float16), accumulate=True)
    assert h[0] == 2048, "half precision adds up in float"


def test_functional_form_leaves_self():
    t = T.zeros(3)
    assert t.index_put((T.tensor([0]),), T.tensor(5.0)).tolist() == [5, 0, 0] and t.tolist() == [0, 0, 0]


def test_an_int_is_a_selection():
    """Other than in NumPy, an int beside index tensors does not count as one of them."""
    assert T.from_numpy(X)[0, :, T.tensor([2, 3])].shape == (5, 2)


def test_meta():
    m = T.empty(4, 5, 6, device="meta")
    i = T.empty(7, dtype=T.int64, device="meta")
    assert m[i].shape == (7, 5, 6) and m[:, i].shape == (4, 7, 6) and m[i, :, i].shape == (7, 5)


def test_random_keys():
    rng = np.random.default_rng(0)
    for _ in range(300):
        shape = tuple(rng.integers(1, 6, rng.integers(1, 5)))
        a = rng.standard_normal(shape)
        key, common = [], tuple(rng.integers(1, 4, rng.integers(0, 3)))
        for size in shape[: rng.integers(1, len(shape) + 1)]:
            kind = rng.integers(0, 4)
            if kind == 0:
                key.append(slice(*sorted(rng.integers(-size, size + 1, 2).tolist()), int(rng.integers(1, 3))))
            elif kind == 1:
                key.append(int(rng.integers(-size, size)))
            else:
                key.append(rng.integers(-size, size, [n if rng.integers(2) else 1 for n in common]))
        want = a[tuple(key)]
        # NumPy counts an int beside index arrays as an array; so a key with ints apart from arrays puts them in front.
        ints = [i for i, k in enumerate(key) if not isinstance(k, slice)]
        arrays = [i for i, k in enumerate(key) if isinstance(k, np.ndarray)]
        if arrays and (len(ints) != len(arrays)):
            continue
        got = T.from_numpy(a)[tuple(T.from_numpy(k) if isinstance(k, np.ndarray) else k for k in key)]
        assert tuple(got.shape) == np.shape(want), (shape, key)
        np.testing.assert_array_equal(got.numpy(), want)


def t(*values):
    return T.tensor(values)


ERRORS = {
    "beyond": (lambda x: x[t(4)], IndexError, "index 4 is out of bounds for dimension 0 with size 4"),
    "before": (lambda x: x[t(-5)], IndexError, "index -5 is out of bounds for dimension 0 with size 4"),
    "lowest": (lambda x: x[t(-(2**63))], IndexError, "is out of bounds for dimension 0"),
    "far": (lambda x: x[:, t(2**62)], IndexError, "is out of bounds for dimension 1 with size 5"),
    "write beyond": (lambda x: x.__setitem__(t(4), 0.0), IndexError, "index 4 is out of bounds"),
    "accumulate beyond": (
        lambda x: x.index_put_((t(9),), T.ones((), dtype=T.float64), True),
        IndexError,
        "index 9 is out of bounds",
    ),
    "shapes": (
        lambda x: x[t(0, 1), t(0, 1, 2)],
        IndexError,
        r"shape mismatch: indexing tensors could not be broadcast together with shapes \[2\], \[3\]",
    ),
    "too many": (lambda x: x[t(0), t(0), t(0), t(0)], IndexError, "too many indices for tensor of dimension 3"),
    "mask": (
        lambda x: x[T.tensor([True, False])],
        IndexError,
        r"The shape of the mask \[2\] at index 0 does not match the shape of the indexed tensor \[4, 5, 6\] at index 0",
    ),
    "float index": (
        lambda x: x[T.tensor([1.0])],
        IndexError,
        "tensors used as indices must be long, int, byte or bool tensors",
    ),
    "from nothing": (lambda x: x[:0][t(0)], IndexError, "out of bounds for dimension.* with size 0"),
    "values": (
        lambda x: x.index_put_((t(0, 1),), T.ones(3, 5, 6, dtype=T.float64)),
        RuntimeError,
        r"value tensor of shape \[3, 5, 6\] cannot be broadcast to indexing result of shape \[2, 5, 6\]",
    ),
    "dtypes": (
        lambda x: x.index_put_((t(0),), t(1)),
        RuntimeError,
        "Index put requires the source and destination dtypes match, "
        "got Double for the destination and Long for the source",
    ),
    "into a repeat": (
        lambda x: x[:1].expand(3, 5, 6).__setitem__(t(0), 0.0),
        RuntimeError,
        "refers to a single memory location",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    f, kind, message = ERRORS[name]
    x = T.from_numpy(X.copy())
    with pytest.raises(kind, match=message):
        f(x)
    np.testing.assert_array_equal(x.numpy(), X)
