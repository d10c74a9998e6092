"""Sparse tensors: making them, what they are made of, and the way to dense tensors and back."""

from __future__ import annotations

import copy
import pickle
import random
from typing import Any

import numpy as np
import pytest
from sparse_builders import I, drawn, small

import tallow

SHAPES = [((5,), ()), ((3, 4), ()), ((3, 4), (2,)), ((2, 3, 2), (3, 2)), ((50, 40), (3,))]


@pytest.mark.parametrize(("sizes", "dense"), SHAPES)
@pytest.mark.parametrize("nnz", [0, 1, 7, 300])
def test_coalesce_sorts_and_sums(sizes: tuple[int, ...], dense: tuple[int, ...], nnz: int) -> None:
    t, array = drawn(random.Random(nnz), sizes, dense, nnz)
    c = t.coalesce()
    assert c.is_coalesced() and c.coalesce() is c
    assert np.allclose(c.to_dense().numpy(), array) and np.allclose(t.to_dense().numpy(), array)
    rows = list(zip(*c.indices().tolist(), strict=True))
    assert rows == sorted(set(rows)) == sorted(set(zip(*t._indices().tolist(), strict=True)))
    assert tuple(c.values().shape) == (len(rows), *dense)


def test_the_same_bits_on_one_thread_and_two() -> None:
    t, _ = drawn(random.Random(0), (200, 30), (40,), 20000)
    before = tallow.get_num_threads()
    try:
        got = []
        for threads in (1, 2):
            tallow.set_num_threads(threads)
            got.append((t.coalesce().values().numpy().tobytes(), t.to_dense().numpy().tobytes()))
    finally:
        tallow.set_num_threads(before)
    assert got[0] == got[1]


def test_attributes() -> None:
    t = small()
    assert t.is_sparse and t.layout is tallow.sparse_coo and not tallow.ones(1).is_sparse
    assert (t.sparse_dim(), t.dense_dim(), t._nnz(), tuple(t.shape), t.numel()) == (2, 0, 3, (2, 3), 6)
    assert not t.is_coalesced() and not t.is_contiguous()
    assert (tallow.ones(2, 3).sparse_dim(), tallow.ones(2, 3).dense_dim()) == (0, 2)
    assert t.type() == "tallow.sparse.FloatTensor"


@pytest.mark.parametrize("sparse_dim", [1, 2, 3])
def test_dense_to_sparse_and_back(sparse_dim: int) -> None:
    x = tallow.zeros(3, 4, 2)
    x[0, 1, 1], x[2, 3, 0], x[2, 0, 0] = 1.0, -2.0, 5.0
    t = x.to_sparse(sparse_dim)
    assert t.is_coalesced() and t.sparse_dim() == sparse_dim and t._nnz() == (2 if sparse_dim == 1 else 3)
    assert tallow.equal(t.to_dense(), x)
    assert t.to_sparse() is t and x.to_dense() is x


def test_sizes_that_are_not_given_are_the_smallest() -> None:
    assert tuple(tallow.sparse_coo_tensor(I, [[1.0, 2.0]] * 3).shape) == (2, 3, 2)
    none = tallow.sparse_coo_tensor(tallow.empty(2, 0, dtype=tallow.int64), tallow.empty(0, 3))
    assert tuple(none.shape) == (0, 0, 3)


def test_forms_of_the_constructor() -> None:
    assert tallow.sparse_coo_tensor((2, 3))._nnz() == 0
    assert tallow.sparse_coo_tensor(size=(2, 3), dtype=tallow.int32).dtype == tallow.int32
    assert small(dtype=tallow.float64).dtype == tallow.float64
    assert tallow.sparse_coo_tensor(tallow.tensor(I, dtype=tallow.int32), [1, 2, 3])._indices().dtype == tallow.int64
    assert tallow.sparse_coo_tensor([[1]], 3.0, (3,)).to_dense().tolist() == [0, 3, 0]
    assert tallow.zeros(2, 3, layout=tallow.sparse_coo).is_sparse
    assert tallow.zeros_like(small()).layout is tallow.sparse_coo
    assert tallow.zeros_like(small(), layout=tallow.strided).tolist() == [[0] * 3] * 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tallow.sparse_coo_tensor(I, [1.0, 2.0, 3.0], (2, 2)), "for dim 1, size is 2 but found index 2"),
        (lambda: tallow.sparse_coo_tensor([[-1]], [1.0], (3,)), "found negative index -1 for dim 0"),
        (lambda: tallow.sparse_coo_tensor([[-1]], [1.0]), "found negative index -1 for dim 0"),
        (lambda: tallow.sparse_coo_tensor(I, [1.0, 2.0, 3.0], (2,)), "len(size) = 1, sparse_dim = 2, dense_dim = 0"),
        (lambda: tallow.sparse_coo_tensor(I, [1.0, 2.0], (2, 3)), "nnz from indices: 3, nnz from values: 2"),
        (lambda: tallow.sparse_coo_tensor([0, 1], [1.0, 2.0]), "indices must be sparse_dim x nnz"),
        (lambda: tallow.sparse_coo_tensor([[0]], [[1.0, 2.0]], (3, 3)), "expected [1, 3], got [1, 2]"),
        (lambda: small().indices(), "Cannot get indices on an uncoalesced tensor"),
        (lambda: tallow.ones(2).coalesce(), "coalesce expected sparse coordinate tensor layout but got Strided"),
        (lambda: tallow.ones(2, 3).to_sparse(0), "sparse_dim argument must be in >0"),
        (lambda: tallow.ones(2, 3).to_sparse(3), "in [0,2] range, but 3 is given"),
        (lambda: tallow.ones(2, 2).sparse_mask(small()), "has size [2, 2] but mask has size [2, 3]"),
        (lambda: small().data_ptr(), "doesn't have storage"),
        (lambda: small().nbytes, "nbytes is not defined for sparse tensors"),
        (lambda: small().tolist(), "doesn't have storage"),
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda t: t.numpy(), TypeError),
        (lambda t: memoryview(t), BufferError),
        (lambda t: t.__dlpack__(), BufferError),
        (lambda t: t.exp(), NotImplementedError),
        (lambda t: t.view(6), NotImplementedError),
        (lambda t: t + tallow.ones(2, 3), RuntimeError),
        (lambda t: tallow.sparse_coo_tensor((1,)).item(), NotImplementedError),
        (lambda t: t.fill_(1), NotImplementedError),
        (lambda t: t._storage_id(), NotImplementedError),
        (lambda t: tallow.add(tallow.ones(2, 3), tallow.ones(2, 3), out=t), RuntimeError),
        (lambda t: tallow.ones(2, 3).exp_().copy_(t), RuntimeError),
    ],
)
def test_what_has_no_memory_says_so(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(small())


def test_indices_that_are_written_to_are_checked_again() -> None:
    t = small()
    t._indices()[1, 0] = 1000
    for call in (t.coalesce, t.to_dense, lambda: tallow.ones(2, 3) + t, lambda: t * tallow.ones(2, 3), t.clone):
        with pytest.raises(RuntimeError, match="found index 1000"):
            call()


def test_copies() -> None:
    t = small()
    for other in (t.clone(), copy.deepcopy(t), pickle.loads(pickle.dumps(t)), t.to(tallow.float64)):
        other._values().zero_()
        assert other.layout is tallow.sparse_coo and other.is_coalesced() == t.is_coalesced()
    assert t._values().tolist() == [3, 4, 5]
    assert t.to(tallow.float32) is t and t.double().dtype == tallow.float64 and t.int()._values().tolist() == [3, 4, 5]
    shared = t.detach()
    t.zero_()
    assert shared._nnz() == t._nnz() == 0
    assert small().copy_(2 * small()).to_dense().tolist() == [[0, 0, 6], [8, 0, 10]]


def test_versions_count_writes() -> None:
    t = small()
    before = t._version
    t.add_(small())
    assert t._version == before + 1


def test_printing() -> None:
    assert repr(small()) == (
        "tensor(indices=tensor([[0, 1, 1],\n"
        "                       [2, 0, 2]]),\n"
        "       values=tensor([3., 4., 5.]),\n"
        "       size=(2, 3), nnz=3, layout=tallow.sparse_coo)"
    )
    assert repr(tallow.sparse_coo_tensor((2, 3), dtype=tallow.float64)) == (
        "tensor(indices=tensor([], size=(2, 0)),\n"
        "       values=tensor([], size=(0,)),\n"
        "       size=(2, 3), nnz=0, dtype=tallow.float64, layout=tallow.sparse_coo)"
    )


def test_invariants_are_checked_where_asked_for() -> None:
    check = tallow.sparse.check_sparse_tensor_invariants
    wrong: dict[str, Any] = dict(indices=[[1, 0]], values=[1.0, 2.0], size=(2,), is_coalesced=True)
    assert not check.is_enabled() and tallow.sparse_coo_tensor(**wrong).is_coalesced()
    checked = check()(lambda: tallow.sparse_coo_tensor(**wrong))
    for call in (lambda: tallow.sparse_coo_tensor(**wrong, check_invariants=True), checked):
        with pytest.raises(RuntimeError, match="cannot set is_coalesced to true"):
            call()
    with check(), check(False):
        assert not check.is_enabled()
    assert not check.is_enabled()
