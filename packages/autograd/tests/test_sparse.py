"""Gradients of sparse tensors: which layout they have, and how they are accumulated."""

from __future__ import annotations

import pytest

import tallow
import tallow.autograd
from tallow import Tensor

I = [[0, 1, 1], [2, 0, 2]]  # noqa: E741


def sparse(*values: float) -> Tensor:
    return tallow.sparse_coo_tensor(I, list(values), (2, 3))


def leaf() -> Tensor:
    return tallow.sparse_coo_tensor(I, [1.0, 2.0, 3.0], (2, 3), requires_grad=True)


class Give(tallow.autograd.Function):
    """Passes on any gradient it was made with."""

    @staticmethod
    def forward(ctx, x, gradient):
        ctx.gradient = gradient
        return x.sum()

    @staticmethod
    def backward(ctx, grad):
        return ctx.gradient, None


def test_gradients_accumulate_whatever_their_layout() -> None:
    s, d = sparse(1.0, 2.0, 3.0), tallow.ones(2, 3)
    for first, second in ((s, s), (s, d), (d, s), (d, d)):
        for create_graph in (False, True):
            x = tallow.zeros(2, 3, requires_grad=True)
            Give.apply(x, first).backward(create_graph=create_graph)
            assert x.grad.is_sparse == first.is_sparse
            Give.apply(x, second).backward(create_graph=create_graph)
            assert x.grad.is_sparse == (first.is_sparse and second.is_sparse)
            assert tallow.equal(x.grad.to_dense(), first.to_dense() + second.to_dense())
    assert s.to_dense().tolist() == [[0, 0, 1], [2, 0, 3]]  # what was passed on is as it was


def test_gradients_meet_whatever_their_layout() -> None:
    s, d = sparse(1.0, 2.0, 3.0), tallow.ones(2, 3)
    x = tallow.zeros(2, 3, requires_grad=True)
    y = x * 1
    (Give.apply(y, s) + Give.apply(y, d) + Give.apply(y, s)).backward()
    assert tallow.equal(x.grad, 2 * s.to_dense() + d)
    x.grad = None
    (Give.apply(x, s) + Give.apply(x, s)).backward()
    assert x.grad.is_sparse and x.grad._nnz() == 3


def test_grad_can_be_set_to_a_sparse_tensor_of_the_shape() -> None:
    x = tallow.zeros(2, 3, requires_grad=True)
    x.grad = sparse(1.0, 2.0, 3.0)
    assert x.grad.is_sparse
    with pytest.raises(RuntimeError, match="same size"):
        x.grad = tallow.sparse_coo_tensor((3, 3))


def test_the_gradient_of_a_sparse_matrix_is_where_it_has_elements() -> None:
    s, y = leaf(), tallow.arange(6.0).reshape(3, 2).requires_grad_()
    for product in (tallow.sparse.mm, tallow.mm, tallow.matmul, lambda a, b: tallow.addmm(tallow.zeros(2), a, b)):
        s.grad = y.grad = None
        (product(s, y) * tallow.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
        want = tallow.tensor([[1.0, 2.0], [3.0, 4.0]]) @ y.detach().t()
        held = s.detach().to_dense() != 0
        assert s.grad.is_sparse and tallow.equal(s.grad.to_dense(), want * held)
        assert tallow.equal(y.grad, s.detach().to_dense().t() @ tallow.tensor([[1.0, 2.0], [3.0, 4.0]]))
    s.grad = None
    (s @ tallow.ones(3)).sum().backward()
    assert s.grad.to_dense().tolist() == [[0, 0, 1], [1, 0, 1]]


def test_products_of_sparse_matrices() -> None:
    s = leaf()
    (s @ s.t()).to_dense().sum().backward()
    assert s.grad.is_sparse
    dense = s.detach().to_dense().requires_grad_()
    (dense @ dense.t()).sum().backward()
    assert tallow.allclose(s.grad.to_dense(), dense.grad * (dense.detach() != 0))


def test_sums() -> None:
    s = leaf()
    tallow.sparse.sum(s).backward()
    assert s.grad.is_sparse and s.grad.to_dense().tolist() == [[0, 0, 1], [1, 0, 1]]
    s.grad = None
    (tallow.sparse.sum(s, 0).to_dense() * tallow.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert s.grad.to_dense().tolist() == [[0, 0, 3], [1, 0, 3]]
    s.grad = None
    (s.sum() * 2).backward()
    assert s.grad.to_dense().tolist() == [[2, 2, 2], [2, 2, 2]]


def test_softmax() -> None:
    v = tallow.tensor([1.0, 2.0, 4.0], dtype=tallow.float64, requires_grad=True)
    for f in (tallow.sparse.softmax, tallow.sparse.log_softmax):
        for dim in (0, 1):

            def through(x, f=f, dim=dim):
                return f(tallow.sparse_coo_tensor(I, x, (2, 3)), dim).to_dense()

            assert tallow.autograd.gradcheck(through, v)


def test_rearranging() -> None:
    s, weight = leaf(), tallow.arange(1.0, 7.0).reshape(2, 3)
    held = s.detach().to_dense() != 0
    for call, back in (
        (lambda t: t.t(), lambda w: w.t()),
        (lambda t: tallow.cat([t, t], 0), lambda w: tallow.cat([w, 2 * w], 0)),
        (lambda t: t.index_select(1, tallow.tensor([2, 1, 0])), lambda w: w.flip(1)),
    ):
        s.grad = None
        (call(s).to_dense() * back(weight)).sum().backward()
        want = weight * (3 if call(s).shape[0] == 4 else 1)
        assert tallow.equal(s.grad.to_dense() * held, want * held)


def test_gather_with_a_sparse_gradient() -> None:
    x = tallow.ones(3, 4, requires_grad=True)
    index = tallow.tensor([[0, 1], [2, 2], [3, 0]])
    x.gather(1, index, sparse_grad=True).sum().backward()
    assert x.grad.is_sparse and x.grad._nnz() == 6
    assert x.grad.to_dense().tolist() == [[1, 1, 0, 0], [0, 0, 2, 0], [1, 0, 0, 1]]


def test_hooks_and_anomaly_mode_see_sparse_gradients() -> None:
    x = tallow.zeros(2, 3, requires_grad=True)
    seen = []
    x.register_hook(lambda g: seen.append(g.layout))
    with tallow.autograd.detect_anomaly(check_nan=True):
        Give.apply(x, sparse(1.0, 2.0, 3.0)).backward()
        with pytest.raises(RuntimeError, match="returned nan values"):
            Give.apply(x, sparse(1.0, float("nan"), 3.0)).backward()
    assert seen == [tallow.sparse_coo]
