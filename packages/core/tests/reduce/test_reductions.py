"""Reductions against NumPy in double precision, over shapes, layouts, dtypes and every choice of dimensions."""

import itertools
import math

import numpy as np
import pytest

import tallow as T

rng = np.random.default_rng(0)

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["uint8", "int8", "int32", "int64"]
TOLERANCE = {"float32": 2e-5, "float64": 1e-12, "float16": 4e-3, "bfloat16": 3e-2}
TOLERANCE |= {"complex64": 2e-5, "complex128": 1e-12}


def layouts():
    """Arrays whose memory is dense, permuted, strided, broadcast, tall, wide, empty or a single number."""
    yield "number", rng.standard_normal(())
    yield "one", rng.standard_normal(1)
    yield "row", rng.standard_normal(77)
    yield "matrix", rng.standard_normal((17, 33))
    yield "narrow", rng.standard_normal((700, 3))
    yield "long row", rng.standard_normal((2, 5000))
    yield "ones inside", rng.standard_normal((3, 1, 5, 1))
    yield "permuted", rng.standard_normal((4, 5, 6)).transpose(2, 0, 1)
    yield "swapped", rng.standard_normal((4, 5, 6)).transpose(1, 0, 2)
    yield "strided", rng.standard_normal((20, 30))[::2, ::3]
    yield "no elements", np.zeros((0,))
    yield "an empty dimension", np.zeros((3, 0, 2))


LAYOUTS = dict(layouts())


def make(array, dtype):
    """The array with its strides, and what it holds after rounding to dtype, in double precision."""
    if dtype == "bool":
        array = array > 0
    elif dtype == "uint8":
        array = np.abs(array * 3)
    elif dtype.startswith("complex"):
        array = array + 1j * array[..., ::-1] if array.ndim else array * (1 + 2j)
    elif dtype in INTS:
        array = array * 3
    base = T.from_numpy(np.array(array, copy=True, order="C")).to(getattr(T, dtype))
    order = np.argsort([-s for s in array.strides], kind="stable") if array.ndim else []
    if array.ndim and not np.array_equal(order, np.arange(array.ndim)):  # the permuted memory order, too
        base = base.permute(tuple(int(i) for i in order)).contiguous().permute(tuple(int(i) for i in np.argsort(order)))
    wide = T.complex128 if dtype.startswith("complex") else T.int64 if dtype in INTS + ["bool"] else T.float64
    return base, base.to(wide).numpy()


def dim_choices(ndim):
    yield None
    yield from range(-max(ndim, 1), max(ndim, 1))
    for n in range(2, ndim + 1):
        yield from itertools.combinations(range(ndim), n)


def as_axes(dim, ndim):
    """What NumPy calls this dim; numbers without dimensions accept 0 and -1."""
    return None if dim is None or ndim == 0 else dim


def check(got, expected, dtype, what):
    expected = np.asarray(expected)
    assert tuple(got.shape) == expected.shape, what
    tolerance = TOLERANCE.get(str(got.dtype).split(".")[-1], 0)
    wide = T.complex128 if got.dtype.is_complex else T.float64 if got.dtype.is_floating_point else T.int64
    np.testing.assert_allclose(got.to(wide).numpy(), expected, rtol=tolerance, atol=tolerance * 30, err_msg=str(what))


def variance(x, axis, keepdims, correction=1):
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    n = math.prod(x.shape[a] for a in axes)
    mean = x.mean(axis, keepdims=True)
    with np.errstate(all="ignore"):
        return np.divide((abs(x - mean) ** 2).sum(axis, keepdims=keepdims), max(0, n - correction))


def log_sum_exp(x, axis, keepdims):
    return np.log(np.exp(x).sum(axis, keepdims=keepdims))


# name, dtypes, NumPy's answer, whether something is needed to reduce
OPS = [
    ("sum", FLOATS + INTS + ["bool", "complex64"], lambda x, a, k: x.sum(a, keepdims=k), False),
    ("nansum", FLOATS + INTS, lambda x, a, k: np.nansum(x, a, keepdims=k), False),
    ("mean", FLOATS + ["complex128"], lambda x, a, k: x.mean(a, keepdims=k), True),
    ("amax", FLOATS + INTS + ["bool"], lambda x, a, k: x.max(a, keepdims=k), True),
    ("amin", FLOATS + INTS + ["bool"], lambda x, a, k: x.min(a, keepdims=k), True),
    ("any", FLOATS + INTS + ["bool", "complex64"], lambda x, a, k: (x != 0).any(a, keepdims=k), False),
    ("all", FLOATS + INTS + ["bool", "complex64"], lambda x, a, k: (x != 0).all(a, keepdims=k), False),
    ("var", FLOATS + ["complex64"], variance, True),
    ("std", FLOATS, lambda x, a, k: np.sqrt(variance(x, a, k)), True),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name,dtypes,reference,needs_elements", OPS, ids=[o[0] for o in OPS])
def test_over_dimensions(name, dtypes, reference, needs_elements, layout):
    for dtype in dtypes:
        x, exact = make(LAYOUTS[layout], dtype)
        if needs_elements and x.numel() == 0:
            continue
        for dim, keepdim in itertools.product(dim_choices(x.ndim), (False, True)):
            kwargs = {"keepdim": keepdim} | ({} if dim is None else {"dim": dim})
            got = getattr(T, name)(x, **kwargs)
            expected = reference(exact, as_axes(dim, x.ndim), keepdim)
            check(got, expected, dtype, (name, dtype, layout, kwargs))
            assert T.equal(getattr(x, name)(**kwargs).isnan(), got.isnan())
            meta = getattr(x.to("meta"), name)(**kwargs)
            assert (meta.shape, meta.dtype) == (got.shape, got.dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("p", [0, 1, 2, 3, 2.5, -1, math.inf, -math.inf])
def test_vector_norm(p, layout):
    for dtype in ["float32", "float64", "bfloat16", "complex64"]:
        x, exact = make(LAYOUTS[layout], dtype)
        if x.numel() == 0:
            continue
        for dim in dim_choices(x.ndim):
            a, axes = abs(exact), as_axes(dim, x.ndim)
            if p == 0:
                expected = (a != 0).sum(axes)
            elif math.isinf(p):
                expected = a.max(axes) if p > 0 else a.min(axes)
            else:
                with np.errstate(divide="ignore"):
                    expected = (a**p).sum(axes) ** (1 / p)
            got = T.norm(x, p, dim) if dim is not None else T.norm(x, p)
            assert not got.dtype.is_complex
            check(got, expected, dtype, (p, dtype, layout, dim))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_prod_and_count_nonzero(layout):
    for dtype in ["float32", "float64", "int64", "bool", "complex64"]:
        x, exact = make(LAYOUTS[layout], dtype)
        exact = np.where(np.isfinite(exact), exact, 0)
        for dim in [None, *range(-x.ndim, x.ndim)]:
            axis = as_axes(dim, x.ndim)
            kwargs = {} if dim is None else {"dim": dim}
            if dtype != "int64" and x.numel() < 5000:  # it wraps there, and overflows here
                got = T.prod(x, **kwargs).to(T.complex128).numpy()
                np.testing.assert_allclose(got, exact.prod(axis), rtol=1e-4, atol=1e-30)
            assert T.count_nonzero(x, **kwargs).tolist() == np.count_nonzero(exact, axis).tolist()


def test_products_and_sums_of_int64_wrap():
    x = T.tensor([2**62, 2**62, 5])
    assert x.sum().item() == -(2**63) + 5
    assert x.prod().item() == 0
    assert T.tensor([3**30, 3**30]).prod().item() == (3**60 + 2**63) % 2**64 - 2**63


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["argmax", "argmin", "max", "min", "aminmax"])
def test_extrema_and_their_places(name, layout):
    for dtype in FLOATS + INTS:
        x, exact = make(LAYOUTS[layout], dtype)
        if x.numel() == 0:
            continue
        if name.startswith("arg"):
            assert getattr(x, name)().item() == getattr(exact, name)()
        elif name == "aminmax":
            assert [v.item() for v in x.aminmax()] == [exact.min(), exact.max()]
        else:
            assert getattr(x, name)().item() == getattr(exact, name)()
        for dim, keepdim in itertools.product(range(-x.ndim, x.ndim), (False, True)):
            if name.startswith("arg"):
                assert getattr(x, name)(dim, keepdim).tolist() == getattr(exact, name)(dim, keepdims=keepdim).tolist()
            elif name == "aminmax":
                low, high = x.aminmax(dim=dim, keepdim=keepdim)
                assert low.double().tolist() == exact.min(dim, keepdims=keepdim).tolist()
                assert high.double().tolist() == exact.max(dim, keepdims=keepdim).tolist()
            else:
                got = getattr(x, name)(dim, keepdim)
                assert got.values.double().tolist() == getattr(exact, name)(dim, keepdims=keepdim).tolist()
                assert got.indices.tolist() == getattr(exact, "arg" + name)(dim, keepdims=keepdim).tolist()


@pytest.mark.parametrize("n", [4, 40, 5000])
def test_nan_wins(n):
    x = rng.standard_normal((3, n)).astype("float32")
    x[1, n // 2] = np.nan
    t = T.from_numpy(x)
    for op in ("amax", "amin"):
        assert math.isnan(getattr(t, op)().item())
        assert [math.isnan(v) for v in getattr(t, op)(1).tolist()] == [False, True, False]
    for op in ("max", "min"):
        assert math.isnan(getattr(t, op)(1).values[1].item()) and getattr(t, op)(1).indices[1].item() == n // 2
        assert getattr(t, op)(0).indices[n // 2].item() == 1
    assert t.argmax().item() == t.argmin().item() == n + n // 2
    assert math.isnan(t.sum().item()) and math.isnan(t.mean().item()) and math.isnan(t.var().item())
    np.testing.assert_allclose(t.nansum(1).numpy(), np.nansum(x.astype("float64"), 1), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(t.nanmean(1).numpy(), np.nanmean(x.astype("float64"), 1), rtol=1e-5, atol=1e-5)


def test_a_long_float_sum_keeps_its_digits():
    x = np.full(3_000_000, 0.1, dtype="float32")
    exact = float(x.astype("float64").sum())
    assert abs(T.from_numpy(x).sum().item() - exact) / exact < 3e-7
    assert abs(T.from_numpy(x.reshape(-1, 3)).sum(0)[0].item() - exact / 3) / exact < 3e-7
    assert abs(T.from_numpy(x).mean().item() - exact / len(x)) < 3e-8


def test_variance_of_large_numbers():
    x = 1e6 + rng.standard_normal((300, 50)).astype("float32")
    for dim in (0, 1):
        np.testing.assert_allclose(T.from_numpy(x).var(dim).numpy(), x.astype("float64").var(dim, ddof=1), rtol=1e-4)


def test_var_and_std_take_unbiased_correction_and_dims():
    x = T.tensor([[1.0, 2.0, 4.0], [3.0, 3.0, 9.0]])
    for got, expected in [
        (x.var(), 7.866666666), (x.var(False), 6.555555555), (x.var(unbiased=False), 6.555555555),
        (x.var(correction=2), 9.833333333), (x.std(correction=0), 2.560381916), (x.std((0, 1)), 2.804757862),
    ]:
        assert got.item() == pytest.approx(expected, rel=1e-6)
    assert x.var(0, False).tolist() == [1.0, 0.25, 6.25]
    assert x.var(0, keepdim=True, correction=0).shape == (1, 3)
    v, m = T.var_mean(x, dim=1)
    assert m.tolist() == pytest.approx([7 / 3, 5]) and v.tolist() == pytest.approx([7 / 3, 12])
    s, m = T.std_mean(x, 1, unbiased=False)
    assert s.tolist() == pytest.approx([(14 / 9) ** 0.5, 8**0.5]) and m.tolist() == pytest.approx([7 / 3, 5])
    assert math.isnan(T.tensor([1.0]).var().item())
    assert math.isinf(T.tensor([1.0, 2.0]).var(correction=2).item())


def test_dtype_of_the_result():
    x = T.tensor([[1, 2], [3, 4]], dtype=T.uint8)
    assert x.sum().dtype == T.int64 and x.sum(dtype=T.uint8).dtype == T.uint8
    assert x.prod(0).dtype == T.int64 and (x > 2).sum().dtype == T.int64
    assert x.sum(dtype=T.float16).dtype == T.float16
    assert x.mean(dtype=T.float64).item() == 2.5
    assert x.any().dtype == T.uint8 and x.int().any().dtype == T.bool
    assert T.tensor([1.5, 1.5]).sum(dtype=T.int64).item() == 2  # converted first
    assert x.sum(dtype=T.complex64).item() == 10


def test_an_empty_list_of_dimensions():
    x = T.tensor([[0.0, 1.0], [2.0, 3.0]])
    assert x.sum(()).item() == 6 and x.amax(()).item() == 3 and x.mean(dim=[]).item() == 1.5
    assert T.any(x, dim=()).tolist() == [[False, True], [True, True]]


def test_out():
    x = T.tensor([[0.0, 1.0], [2.0, 3.0]])
    out = T.empty(0)
    assert T.sum(x, 0, out=out) is out and out.tolist() == [2, 4]
    wide = T.empty(2, dtype=T.float64)
    T.mean(x, 1, out=wide)
    assert wide.tolist() == [0.5, 2.5]
    transposed = T.zeros(3, 2).t()
    T.amax(T.arange(24.0).reshape(2, 3, 4), 2, out=transposed)
    assert transposed.tolist() == [[3, 7, 11], [15, 19, 23]]
    T.sum(x, 1, out=x[0])  # the memory that is read
    assert x.tolist() == [[1, 5], [2, 3]]


@pytest.mark.parametrize(
    "error,words,call",
    [
        (IndexError, "expected to be in range of \\[-2, 1\\], but got 2", lambda x: x.sum(2)),
        (RuntimeError, "dim 0 appears multiple times", lambda x: x.sum((0, -2))),
        (RuntimeError, "mean\\(\\): could not infer output dtype.*Got: Int", lambda x: x.int().mean()),
        (RuntimeError, "std and var only support floating point", lambda x: x.int().var()),
        (RuntimeError, "std_mean only support floating point", lambda x: T.std_mean(x.int())),
        (RuntimeError, "nansum on CPU does not support complex", lambda x: T.complex(x, x).nansum()),
        (NotImplementedError, '"max_all" not implemented', lambda x: T.complex(x, x).max()),
        (RuntimeError, "argmax\\(\\): does not support bool", lambda x: (x > 0).argmax()),
        (RuntimeError, "Expected reduction dim to be specified for input.numel\\(\\) == 0", lambda x: x[:0].amax()),
        (IndexError, "amax\\(\\): Expected reduction dim 0 to have non-zero size", lambda x: x[:0].amax(0)),
        (IndexError, "max\\(\\): Expected reduction dim 0 to have non-zero size", lambda x: x[:0].max(0)),
        (IndexError, "argmin\\(\\): Expected reduction dim", lambda x: x[:0].argmin()),
        (RuntimeError, "aminmax\\(\\): cannot compute aminmax over an empty dimension", lambda x: x[:0].aminmax()),
        (RuntimeError, "Expected a floating point or complex tensor as input. Got Int", lambda x: x.int().norm()),
        (RuntimeError, "inf norm on an empty tensor", lambda x: x[:0].norm(math.inf)),
    ],
)
def test_errors_say_what_came_and_what_was_expected(error, words, call):
    with pytest.raises(error, match=words):
        call(T.ones(2, 3))


@pytest.mark.parametrize("shape,dim", [((3_000_000,), None), ((2000, 1500), 0), ((2000, 1500), 1), ((7, 300, 700), 1)])
def test_same_bits_on_any_number_of_threads(shape, dim):
    x = T.from_numpy(rng.standard_normal(shape).astype("float32"))
    before = T.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            T.set_num_threads(threads)
            results.append([op(x, dim=dim).numpy().tobytes() for op in (T.sum, T.mean, T.var, T.norm, T.nansum)])
    finally:
        T.set_num_threads(before)
    assert results[0] == results[1] == results[2]
