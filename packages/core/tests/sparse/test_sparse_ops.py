"""What ops make of sparse tensors, against the same ops of the dense ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sparse_builders import drawn, small

import tallow
from tallow import Tensor

RNG = random.Random(3)


def close(got: Tensor, want: np.ndarray) -> bool:
    return tuple(got.shape) == want.shape and np.allclose(got.to_dense().numpy(), want)


def pair(sizes: tuple[int, ...] = (4, 5), dense: tuple[int, ...] = (), nnz: int = 9) -> tuple[Tensor, np.ndarray]:
    return drawn(RNG, sizes, dense, nnz)


@pytest.mark.parametrize("dense", [(), (3,)])
@pytest.mark.parametrize("nnz", [0, 1, 12])
def test_arithmetic(dense: tuple[int, ...], nnz: int) -> None:
    (s, a), (t, b) = pair(dense=dense, nnz=nnz), pair(dense=dense)
    d = np.arange(float(a.size)).reshape(a.shape)
    x = tallow.tensor(d)
    assert close(s + t, a + b) and close(s - t, a - b) and close(tallow.add(s, t, alpha=3), a + 3 * b)
    assert close(x + s, d + a) and close(x - s, d - a) and close(x.clone().add_(s, alpha=-2), d - 2 * a)
    assert close(x.t().contiguous().t() + s, d + a) if not dense else True
    assert close(s * t, a * b) and close(s * x, a * d) and close(x * s, a * d) and close(s * x[0], a * d[0])
    assert close(s * 3, a * 3) and close(2 * s, a * 2) and close(s / 4, a / 4) and close(-s, -a)
    assert close(s * tallow.tensor(2.0), a * 2) and close(s // 0.25, a // 0.25)
    assert all(r.is_sparse for r in (s + t, s - t, s * t, s * x, x * s, s * 3, s / 4, -s))
    u = s.clone()
    u.add_(t).mul_(2).sub_(s).div_(4).neg_()
    assert close(u, -((a + b) * 2 - a) / 4)


def test_promotion() -> None:
    s = tallow.sparse_coo_tensor([[1]], [3], (3,))
    assert (s + tallow.sparse_coo_tensor([[1]], [0.5], (3,))).dtype == tallow.float32
    assert (s * 1.5).dtype == (s / 2).dtype == tallow.float32 and (s * 2).dtype == tallow.int64
    assert (tallow.ones(3) + s).tolist() == [1, 4, 1]
    with pytest.raises(RuntimeError, match="can't be cast"):
        s.add_(tallow.sparse_coo_tensor([[1]], [0.5], (3,)))


# Ops of one tensor are not listed anywhere: those that keep zero run on the values.
KEEP_ZERO = ["abs", "sqrt", "square", "sin", "tanh", "relu", "sign", "expm1", "log1p", "floor", "erf", "asinh", "atan"]


@pytest.mark.parametrize("name", KEEP_ZERO)
def test_what_keeps_zero_runs_on_the_values(name: str) -> None:
    s, a = pair(dense=(2,))
    s, a = s * s, a * a
    got = getattr(s, name)()
    assert got.is_sparse and tallow.allclose(got.to_dense(), getattr(tallow.tensor(a), name)())
    if hasattr(s, name + "_"):
        assert tallow.allclose(getattr(s.clone(), name + "_")().to_dense(), got.to_dense())


def test_whether_zero_is_kept_depends_on_the_other_arguments() -> None:
    s, a = pair()
    assert close(s**2, a**2) and close(s.pow(3), a**3) and close(s.isnan(), np.isnan(a)) and (s > 0).is_sparse
    for call in (lambda: s**0, lambda: s + 1, lambda: s.cos(), lambda: s > -1, lambda: 1 / s, lambda: s.sigmoid()):
        with pytest.raises((NotImplementedError, RuntimeError)):
            call()


SUMS: list[Any] = [None, 0, 1, -1, [0, 1], [1, 2], [0, 1, 2], [2]]


@pytest.mark.parametrize("dim", SUMS)
@pytest.mark.parametrize("keepdim", [False, True])
def test_sum(dim: Any, keepdim: bool) -> None:
    s, a = pair((4, 5), (3,))
    axis = tuple(dim) if isinstance(dim, list) else dim
    if dim is not None:
        assert close(s.sum(dim, keepdim=keepdim), a.sum(axis, keepdims=keepdim))
    assert close(tallow.sparse.sum(s, dim), a.sum(axis))
    assert (s.int() + s.int()).sum(dtype=tallow.float64).dtype == tallow.float64


def test_norms_and_truth() -> None:
    s, a = pair()
    for p in (0, 1, 2, 3.5, float("inf"), -1):
        with np.errstate(divide="ignore"):
            assert np.allclose(s.norm(p).item(), np.linalg.norm(a.reshape(-1), p))
    assert bool(s.any()) and not bool((s * 0).any())
    assert tallow.equal(s, s.coalesce()) and tallow.allclose(s, s * (1 + 1e-9)) and not tallow.equal(s, s.to_dense())
    tallow.testing.assert_close(s, s.coalesce())
    with pytest.raises(AssertionError):
        tallow.testing.assert_close(s, s * 2)


def test_rearranging() -> None:
    s, a = pair((4, 5), (3, 2))
    assert close(s.transpose(0, 1), a.swapaxes(0, 1)) and close(s.transpose(2, -1), a.swapaxes(2, 3))
    assert close(s.permute(1, 0, 3, 2), a.transpose(1, 0, 3, 2))
    with pytest.raises(RuntimeError, match="both sparse or both dense"):
        s.transpose(1, 2)
    for dim in range(5):
        assert close(s.unsqueeze(dim), np.expand_dims(a, dim))
    for dim in range(4):
        assert close(s.select(dim, 1), a.take(1, dim)) and close(s.select(dim, -1), a.take(-1, dim))
        index = [1, 0, 1]
        assert close(s.index_select(dim, tallow.tensor(index)), a.take(index, dim))
        assert close(tallow.cat([s, s * 2], dim), np.concatenate([a, a * 2], dim))
        assert close(tallow.stack([s, s * 2], dim), np.stack([a, a * 2], dim))
    assert close(s[2], a[2]) and close(s[2, 1], a[2, 1])
    assert [tuple(r.shape) for r in s] == [(5, 3, 2)] * 4
    m, b = pair()
    assert close(m.t(), b.T) and close(m.T, b.T)
    assert float(m[1, 2]) == pytest.approx(b[1, 2])


PRODUCTS: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x @ y,
    lambda x, y: x @ y[:, 0],
]


@pytest.mark.parametrize("nnz", [0, 1, 9, 60])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "int64", "float16"])
def test_products(nnz: int, dtype: str) -> None:
    s, a = pair((4, 5), nnz=nnz)
    s, a = (s * 8).to(getattr(tallow, dtype)), (a * 8)
    a = s.to_dense().to(tallow.float32).numpy() if dtype == "float16" else s.to_dense().numpy()
    y = tallow.tensor(np.arange(15.0).reshape(5, 3)).to(s.dtype)
    b = np.arange(15.0).reshape(5, 3)
    tolerance = dict(rtol=2e-2, atol=2e-1) if dtype == "float16" else dict(rtol=1e-4, atol=1e-4)

    def fits(got: Tensor, want: np.ndarray) -> bool:
        dense = got.to_dense()
        return np.allclose((dense.float() if dtype == "float16" else dense).numpy(), want, **tolerance)

    assert fits(s @ y, a @ b) and fits(tallow.mm(s, y), a @ b) and fits(tallow.sparse.mm(s, y), a @ b)
    assert fits(s @ y[:, 1], a @ b[:, 1]) and fits(s.mv(y[:, 1]), a @ b[:, 1])
    assert fits(y.t() @ s.t(), b.T @ a.T) and fits(tallow.ones(4, dtype=s.dtype) @ s, np.ones(4) @ a)
    product = s @ s.t()
    assert product.is_sparse and fits(product, a @ a.T)
    start = tallow.ones(3, dtype=s.dtype)
    assert fits(tallow.addmm(start, s, y, beta=2, alpha=3), 2 + 3 * (a @ b))
    assert fits(tallow.sparse.addmm(start.expand(4, 3), s, y), 1 + a @ b)


def test_a_batch_of_products() -> None:
    s, a = pair((2, 4, 5), nnz=12)
    b = np.arange(30.0).reshape(2, 5, 3)
    assert close(s.bmm(tallow.tensor(b)), a @ b) and close(s @ tallow.tensor(b), a @ b)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s @ tallow.ones(2, 2), "cannot be multiplied"),
        (lambda s: s @ tallow.ones(3, 2, dtype=tallow.float64), "expected scalar type Float but found Double"),
        (
            lambda s: tallow.sparse_coo_tensor([[0]], [[1.0]], (1, 1)) @ tallow.ones(1, 1),
            "must have 2 sparse dimensions",
        ),
        (lambda s: s + tallow.sparse_coo_tensor((3, 3)), "[2, 3] != [3, 3]"),
        (lambda s: tallow.ones(3) + s, "does not currently support broadcasting"),
        (lambda s: s / tallow.ones(2, 3), "requires a scalar or zero-dim dense tensor divisor (got shape [2, 3]"),
        (lambda s: tallow.cat([s, tallow.ones(2, 3)]), "a dense tensor was found at position 1"),
        (lambda s: s.copy_(tallow.ones(2, 3)), "copy_() between dense and sparse Tensors is not implemented"),
        (lambda s: s * tallow.sparse_coo_tensor((3, 3)), "do not broadcast"),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        call(small())
    assert message in str(caught.value)


def test_products_have_the_same_bits_on_one_thread_and_two() -> None:
    s, _ = drawn(random.Random(5), (3000, 400), (), 40000)
    y = tallow.rand(400, 33, dtype=tallow.float64)
    before = tallow.get_num_threads()
    try:
        got = []
        for threads in (1, 2):
            tallow.set_num_threads(threads)
            got.append((s @ y).numpy().tobytes())
    finally:
        tallow.set_num_threads(before)
    assert got[0] == got[1]


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_softmax_is_over_the_elements_that_are_held(dim: int) -> None:
    s, a = pair((4, 5), (3,))
    held = s.coalesce()
    full = tallow.full(a.shape, float("-inf"), dtype=tallow.float64)
    full[held.indices()[0], held.indices()[1]] = held.values()
    for name in ("softmax", "log_softmax"):
        want = getattr(tallow, name)(full, dim)[held.indices()[0], held.indices()[1]]
        assert tallow.allclose(getattr(tallow.sparse, name)(s, dim).values(), want)


def test_masks() -> None:
    s, a = pair()
    x = tallow.tensor(np.arange(20.0).reshape(4, 5))
    assert close(x.sparse_mask(s), np.arange(20.0).reshape(4, 5) * (np.array(a) != 0))
    t, b = pair()
    held = np.zeros_like(b)
    held[tuple(t._indices().numpy())] = 1
    assert close(s.sparse_mask(t), a * held)


def test_the_compressed_layouts_are_missing_and_say_so() -> None:
    with pytest.raises(NotImplementedError, match="compressed layouts"):
        small().to_sparse_csr()


def test_spdiags() -> None:
    d = tallow.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    got = tallow.sparse.spdiags(d, tallow.tensor([0, 1]), (3, 3)).to_dense()
    assert got.tolist() == [[1, 5, 0], [0, 2, 6], [0, 0, 3]]
