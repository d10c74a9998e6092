"""Tensors from nothing: shapes, dtypes, values, layouts, devices."""

import math

import numpy as np
import pytest

import tallow as T

NAMES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128"
DTYPES = [getattr(T, name) for name in NAMES.split()]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3), (2, 1, 2, 1, 2, 1, 2)])
def test_zeros_ones_full(dtype, shape):
    for t, value in [
        (T.zeros(shape, dtype=dtype), 0),
        (T.ones(shape, dtype=dtype), 1),
        (T.full(shape, 1, dtype=dtype), 1),
    ]:
        assert t.dtype == dtype and tuple(t.shape) == shape and t.is_contiguous()
        assert bool((t == value).all())
    assert tuple(T.empty(shape, dtype=dtype).shape) == shape


def test_sizes_may_be_arguments_or_a_list():
    assert T.zeros(2, 3).shape == T.zeros((2, 3)).shape == T.zeros([2, 3]).shape == T.zeros(size=(2, 3)).shape == (2, 3)
    assert T.empty(()).shape == ()


def test_default_dtypes():
    assert T.zeros(1).dtype == T.float32
    assert T.full((1,), 2).dtype == T.int64
    assert T.full((1,), 2.0).dtype == T.float32
    assert T.full((1,), True).dtype == T.bool
    assert T.full((1,), 1j).dtype == T.complex64
    assert T.arange(3).dtype == T.int64 and T.arange(3.0).dtype == T.float32
    assert T.linspace(0, 1, 3).dtype == T.float32
    assert T.scalar_tensor(3).dtype == T.float32
    T.set_default_dtype(T.float64)
    try:
        assert T.zeros(1).dtype == T.arange(3.0).dtype == T.full((1,), 2.0).dtype == T.float64
        assert T.full((1,), 1j).dtype == T.complex128
    finally:
        T.set_default_dtype(T.float32)


def test_like():
    t = T.zeros(2, 3, dtype=T.int16).t()
    for f in (T.empty_like, T.zeros_like, T.ones_like):
        u = f(t)
        assert u.shape == (3, 2) and u.dtype == T.int16 and u.stride() == t.stride()
        assert f(t, dtype=T.float64).dtype == T.float64
        assert f(t, memory_format=T.contiguous_format).is_contiguous()
    assert T.full_like(t, 7).tolist() == [[7, 7]] * 3
    x = T.empty(2, 3, 4, 5, memory_format=T.channels_last)
    assert x.stride() == (60, 1, 15, 3) and T.zeros_like(x).stride() == x.stride()
    # Gaps and overlaps are not kept, the order of the dimensions is.
    assert T.zeros_like(T.zeros(4, 6).t()[::2]).stride() == (1, 3)
    assert T.zeros_like(T.zeros(3, 1).expand(3, 4)).numel() == 12


def test_new():
    t = T.zeros(2, dtype=T.float64)
    assert t.new_zeros(3, 4).dtype == T.float64 and t.new_zeros((3, 4)).shape == (3, 4)
    assert t.new_ones(2, dtype=T.int32).tolist() == [1, 1]
    assert t.new_full((2,), 5).tolist() == [5, 5] and t.new_full((2,), 5).dtype == T.float64
    assert t.new_empty((2, 3)).shape == (2, 3)
    assert t.to("meta").new_zeros(3).device.type == "meta"


def test_meta():
    for t in (
        T.zeros(2, 3, device="meta"),
        T.arange(6, device="meta"),
        T.eye(3, device="meta"),
        T.full((4,), 1, device="meta"),
    ):
        assert t.device.type == "meta"
    assert T.zeros(2**40, 2**10, device="meta").shape == (2**40, 2**10)
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
        T.zeros(2, device="meta").to("cpu")


@pytest.mark.parametrize(
    "args",
    [
        (5,),
        (0,),
        (2, 9),
        (2, 9, 3),
        (9, 2, -3),
        (-5, 5, 4),
        (0.0, 1.0, 0.1),
        (1.5, -1.5, -0.25),
        (5.5,),
        (2.0, 2.0),
        (3, 3),
        (0, 10**6, 7),
    ],
)
def test_arange(args):
    want = np.arange(*args)
    got = T.arange(*args, dtype=None if want.dtype.kind == "i" else T.float64)
    np.testing.assert_array_equal(got.numpy(), want)
    if want.dtype.kind == "f":
        np.testing.assert_allclose(T.arange(*args).numpy(), want.astype(np.float32), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"])
def test_arange_dtypes(dtype):
    np.testing.assert_array_equal(
        T.arange(3, 100, 2, dtype=getattr(T, dtype)).numpy(), np.arange(3, 100, 2).astype(dtype)
    )


def test_arange_of_extremes():
    assert T.arange(2**63 - 3, 2**63 - 1).tolist() == [2**63 - 3, 2**63 - 2]
    assert T.arange(-(2**63), 2**63 - 1, 2**62).numel() == 4
    assert T.arange(2**53, 2**53 + 3).tolist() == [2**53, 2**53 + 1, 2**53 + 2]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 50, 1001])
def test_linspace_and_logspace(n):
    for a, b in [(0, 1), (-3, 5), (2.5, -2.5), (1, 1)]:
        t = T.linspace(a, b, n, dtype=T.float64)
        np.testing.assert_allclose(t.numpy(), np.linspace(a, b, n), rtol=1e-14, atol=1e-14)
        if n > 1:
            assert t[0] == a and t[-1] == b, "both ends are exact"
        np.testing.assert_allclose(T.logspace(a, b, n, dtype=T.float64).numpy(), np.logspace(a, b, n), rtol=1e-13)
        np.testing.assert_allclose(
            T.logspace(a, b, n, base=2, dtype=T.float64).numpy(), np.logspace(a, b, n, base=2), rtol=1e-13
        )
    assert T.linspace(0, 10, 5, dtype=T.int64).tolist() == [0, 2, 5, 7, 10]
    assert T.linspace(T.tensor(0.0), T.tensor(1.0), 3).tolist() == [0, 0.5, 1]
    assert T.linspace(0, 1j, 3).tolist() == [0, 0.5j, 1j]


def test_eye():
    for n, m in [(0, 0), (1, 1), (3, 3), (2, 5), (5, 2), (0, 3)]:
        np.testing.assert_array_equal(T.eye(n, m).numpy(), np.eye(n, m))
    assert T.eye(2, dtype=T.bool).tolist() == [[True, False], [False, True]]


def test_triangle_indices():
    for n, m, k in [(3, 3, 0), (4, 2, 1), (2, 4, -1), (3, 3, 5), (3, 3, -5), (0, 3, 0)]:
        np.testing.assert_array_equal(T.tril_indices(n, m, k).numpy(), np.tril_indices(n, k, m))
        np.testing.assert_array_equal(T.triu_indices(n, m, k).numpy(), np.triu_indices(n, k, m))
    assert T.tril_indices(2, 2, dtype=T.int32).dtype == T.int32


def test_strided():
    t = T.empty_strided((2, 3), (1, 2), dtype=T.int64)
    assert t.stride() == (1, 2) and t.dtype == T.int64
    assert T.empty_strided((2, 3), (0, 0)).numel() == 6
    assert T.empty_permuted((2, 3, 4), (2, 0, 1)).stride() == (3, 1, 6)


def test_out():
    out = T.empty(0, dtype=T.int64)
    assert T.zeros(2, 3, out=out) is out and out.tolist() == [[0, 0, 0]] * 2
    assert T.arange(4, out=out) is out and out.tolist() == [0, 1, 2, 3]
    assert T.full((2,), 9, out=out).tolist() == [9, 9]
    assert T.eye(2, out=T.empty(0)).tolist() == [[1, 0], [0, 1]]
    assert T.linspace(0, 1, 3, out=T.empty(0)).tolist() == [0, 0.5, 1]
    with pytest.raises(RuntimeError, match="does not match dtype of out parameter"):
        T.zeros(2, out=out, dtype=T.float32)


def test_fill_zero_copy():
    t = T.empty(2, 3)
    assert t.fill_(2) is t and t.tolist() == [[2, 2, 2]] * 2
    t[:, 1].zero_()
    assert t.tolist() == [[2, 0, 2]] * 2
    t.t()[0].fill_(T.tensor(5, dtype=T.int64))
    assert t.tolist() == [[5, 0, 2]] * 2
    t.copy_(T.tensor([1, 2, 3]))
    assert t.tolist() == [[1, 2, 3]] * 2
    x = T.arange(5)
    x.copy_(T.tensor([1.9, -1.9, 0, 0, 0]))
    assert x.tolist() == [1, -1, 0, 0, 0]
    assert T.empty(2, dtype=T.bool).copy_(T.tensor([0.5, 0])).tolist() == [True, False]
    assert T.zeros(2, device="meta").copy_(T.ones(2)).device.type == "meta"


def test_to():
    t = T.ones(2)
    assert t.to(T.float32) is t and t.to("cpu") is t and t.to(T.float32, copy=True) is not t
    assert t.to(T.int64).dtype == T.int64 and t.to(T.zeros(1, dtype=T.float64)).dtype == T.float64
    assert t.type_as(T.zeros(1, dtype=T.int8)).dtype == T.int8
    x = T.ones(1, 2, 3, 4)
    y = x.to(memory_format=T.channels_last)
    assert y.is_contiguous(memory_format=T.channels_last) and T.equal(x, y)
    assert y.clone().stride() == y.stride() and y.contiguous().is_contiguous()
    assert y.clone(memory_format=T.contiguous_format).is_contiguous()
    assert t.contiguous() is t
    assert T.ones(3, 4).t().to(T.float64).stride() == (1, 4), "the layout is kept"


ERRORS = {
    "negative size": (lambda: T.zeros(-1), RuntimeError, "negative dimension"),
    "too many bytes": (lambda: T.empty(2**40, 2**40), RuntimeError, "overflow"),
    "too many for strides": (lambda: T.empty_strided((2**40,), (2**40,)), RuntimeError, "overflow"),
    "negative stride": (lambda: T.empty_strided((2,), (-1,)), RuntimeError, "Negative strides are not supported"),
    "stride count": (lambda: T.empty_strided((2,), (1, 1)), RuntimeError, "mismatch in length of strides and shape"),
    "step": (lambda: T.arange(0, 5, 0), RuntimeError, "step must be nonzero"),
    "sign of step": (
        lambda: T.arange(0, 5, -1),
        RuntimeError,
        "upper bound and lower bound inconsistent with step sign",
    ),
    "range": (lambda: T.arange(0, math.inf), RuntimeError, "unsupported range: 0 -> inf"),
    "steps": (lambda: T.linspace(0, 1, -1), RuntimeError, "number of steps must be non-negative"),
    "complex to real": (lambda: T.linspace(0, 1j, 3, dtype=T.float32), RuntimeError, "can't be safely cast"),
    "eye": (lambda: T.eye(-1), RuntimeError, "n must be greater or equal to 0, got -1"),
    "row": (lambda: T.tril_indices(-1, 3), RuntimeError, "row must be non-negative"),
    "channels": (
        lambda: T.empty(3, memory_format=T.channels_last),
        RuntimeError,
        "required rank 4 tensor to use channels_last format",
    ),
    "fill": (
        lambda: T.ones(3).fill_(T.ones(2)),
        RuntimeError,
        "fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions",
    ),
    "fill complex": (lambda: T.ones(3).fill_(1j), RuntimeError, "value cannot be converted"),
    "copy": (
        lambda: T.ones(3).copy_(T.ones(4)),
        RuntimeError,
        r"The size of tensor a \(3\) must match the size of tensor b \(4\) at non-singleton dimension 0",
    ),
    "copy into a repeat": (
        lambda: T.ones(1).expand(3).copy_(T.ones(3)),
        RuntimeError,
        "refers to a single memory location",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    f, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        f()


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.complex128, np.int8, np.bool_])
def test_scalars_of_numpy_keep_their_dtype(kind):
    assert T.tensor(kind(1)).dtype == T.as_tensor(kind(1)).dtype == T.from_numpy(np.ones(1, kind)).dtype
