"""softmax, log_softmax, what their gradients call, and logsumexp, against NumPy in double precision."""

import math

import numpy as np
import pytest

import tallow as T

rng = np.random.default_rng(1)
TOLERANCE = {"float32": 2e-6, "float64": 1e-14, "float16": 2e-3, "bfloat16": 2e-2}
SHAPES = [(), (1,), (5,), (3, 7), (4, 2000), (40, 3), (3, 50, 4), (2, 5, 300), (0, 3), (3, 0)]


def reference(x, dim):
    e = np.exp(x - x.max(dim, keepdims=True))
    return e / e.sum(dim, keepdims=True)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_forward_and_backward(shape, dtype):
    x = T.from_numpy(rng.standard_normal(shape) * 4).to(getattr(T, dtype))
    g = T.from_numpy(rng.standard_normal(shape)).to(getattr(T, dtype))
    exact, grad, tolerance = x.double().numpy(), g.double().numpy(), TOLERANCE[dtype]
    for dim in range(-max(1, x.ndim), max(1, x.ndim)):
        y, z = x.softmax(dim), x.log_softmax(dim)
        assert y.shape == x.shape and y.dtype == x.dtype and z.dtype == x.dtype
        dx = T.ops.core._softmax_backward_data(g, y, dim, x.dtype)
        dz = T.ops.core._log_softmax_backward_data(g, z, dim, x.dtype)
        if x.numel() == 0:
            continue
        p = reference(exact, dim) if x.ndim else np.ones(())
        total = (grad * p).sum(dim, keepdims=True) if x.ndim else grad * p
        np.testing.assert_allclose(y.double().numpy(), p, rtol=tolerance * 4, atol=tolerance)
        np.testing.assert_allclose(z.double().numpy(), np.log(p), rtol=tolerance * 4, atol=tolerance * 8)
        np.testing.assert_allclose(dx.double().numpy(), (grad - total) * p, rtol=0, atol=tolerance * 8)
        total = grad.sum(dim, keepdims=True) if x.ndim else grad
        np.testing.assert_allclose(dz.double().numpy(), grad - p * total, rtol=0, atol=tolerance * 200)


def test_layouts_and_out():
    x = T.from_numpy(rng.standard_normal((5, 6, 7))).permute(2, 0, 1)
    np.testing.assert_allclose(x.softmax(1).numpy(), reference(x.numpy(), 1), rtol=1e-12)
    out = T.empty(0, dtype=T.float64)
    T.softmax(x, 0, out=out)
    np.testing.assert_allclose(out.numpy(), reference(x.numpy(), 0), rtol=1e-12)
    assert x.to("meta").log_softmax(0).shape == x.shape


def test_infinities_and_nan():
    inf, nan = math.inf, math.nan
    x = T.tensor([[1.0, -inf, 1.0], [-inf, -inf, -inf], [1.0, nan, 2.0], [inf, 0.0, 0.0]])
    for dim in (1, 0):
        y = (x if dim else x.t()).softmax(dim)
        y = y if dim else y.t()
        assert y[0].tolist() == [0.5, 0.0, 0.5]
        assert all(math.isnan(v) for row in y[1:].tolist() for v in row[:1])
    assert T.tensor([1000.0, 1000.0]).softmax(0).tolist() == [0.5, 0.5]
    assert T.tensor([-1000.0, 0.0]).log_softmax(0).tolist() == [-1000.0, 0.0]


def test_dtype_is_converted_first():
    x = T.tensor([1, 2, 3])
    assert x.softmax(0, dtype=T.float64).dtype == T.float64
    assert T.log_softmax(x.half(), 0, dtype=T.float32).dtype == T.float32
    with pytest.raises(NotImplementedError, match='"softmax_kernel_impl" not implemented for \'Long\''):
        x.softmax(0)
    with pytest.raises(IndexError, match="but got 1"):
        x.float().softmax(1)


@pytest.mark.parametrize("dim", [0, -1, (0, 2), (0, 1, 2)])
def test_logsumexp(dim):
    x = rng.standard_normal((4, 5, 6)) * 5
    for dtype, tolerance in TOLERANCE.items():
        t = T.from_numpy(x).to(getattr(T, dtype))
        expected = np.log(np.exp(t.double().numpy()).sum(dim, keepdims=True))
        got = t.logsumexp(dim, keepdim=True)
        assert got.dtype == t.dtype
        np.testing.assert_allclose(got.double().numpy(), expected, rtol=tolerance * 4, atol=tolerance * 4)
        assert t.logsumexp(dim).shape == np.log(np.exp(x).sum(dim)).shape


def test_logsumexp_of_extremes():
    inf = math.inf
    x = T.tensor([[1000.0, 1000.0], [-inf, -inf], [inf, 1.0], [math.nan, inf]])
    assert x.logsumexp(1).tolist()[:3] == [pytest.approx(1000 + math.log(2)), -inf, inf]
    assert math.isnan(x.logsumexp(1)[3].item())
    assert T.empty(0, 3).logsumexp(0).tolist() == [-inf] * 3
    assert T.tensor([1, 2]).logsumexp(0).dtype == T.float32


@pytest.mark.parametrize("shape,dim", [((600, 700), 1), ((600, 700), 0), ((3, 200_000), 1)])
def test_same_bits_on_any_number_of_threads(shape, dim):
    x = T.from_numpy(rng.standard_normal(shape).astype("float32"))
    before = T.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            T.set_num_threads(threads)
            results.append([op(x, dim).numpy().tobytes() for op in (T.softmax, T.log_softmax, T.logsumexp)])
    finally:
        T.set_num_threads(before)
    assert results[0] == results[1]


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("n", [3, 40, 2000])
def test_gradient_where_one_weight_is_nearly_one(dim: int, n: int) -> None:
    """There the gradient of the logits is a small difference: the weighted sum may not be rounded before it."""
    rng = np.random.default_rng(n)
    weights = np.full((2, n), 1e-7 / n, np.float32)
    weights[:, 1] = 1.0
    grad = rng.uniform(5, 7, (2, n)).astype(np.float32)
    total = (grad.astype(np.float64) * weights).sum(1, keepdims=True)
    expected = ((grad - total) * weights).astype(np.float32)
    g, y = (T.from_numpy(a if dim else np.ascontiguousarray(a.T)) for a in (grad, weights))
    dx = T.ops.core._softmax_backward_data(g, y, dim, T.float32).numpy()
    np.testing.assert_allclose((dx if dim else dx.T)[:, 1], expected[:, 1], rtol=0, atol=5e-8)
