"""Sparse tensors in files and on the way to other processes."""

from __future__ import annotations

import io
import pickle

import pytest
from sparse_builders import answer, small

import tallow
import tallow.multiprocessing as tmp


def through_a_file(value: object) -> object:
    buffer = io.BytesIO()
    tallow.save(value, buffer, format="torch")
    buffer.seek(0)
    return tallow.load(buffer)


def test_save_and_load() -> None:
    t = small(dtype=tallow.float64)
    hybrid = tallow.sparse_coo_tensor([[0, 2]], tallow.ones(2, 3), (4, 3)).coalesce()
    got = through_a_file({"a": t, "b": [hybrid, t], "empty": tallow.sparse_coo_tensor((2, 3))})
    assert isinstance(got, dict) and got["b"][1] is got["a"]
    for left, right in ((got["a"], t), (got["b"][0], hybrid)):
        assert left.layout is tallow.sparse_coo and left.is_coalesced() == right.is_coalesced()
        assert tallow.equal(left._indices(), right._indices()) and tallow.equal(left._values(), right._values())
        assert left.dtype == right.dtype and left.shape == right.shape
    assert tuple(got["empty"].shape) == (2, 3)


@pytest.mark.parametrize("format", ["tallow", "safetensors"])
def test_formats_of_dense_tensors_say_so(format: str) -> None:
    with pytest.raises(TypeError, match="dense tensors only"):
        tallow.save({"a": small()}, io.BytesIO(), format=format)


def test_a_file_with_indices_outside_is_refused() -> None:
    t = small()
    t._indices()[0, 0] = 7
    parts = (t._indices(), t._values(), (2, 3), False)
    with pytest.raises(RuntimeError, match="found index 7"):
        tallow._sparse_tensor.rebuild(*parts, False)


def test_gradients_that_were_required_are_kept_by_pickle() -> None:
    if not hasattr(tallow, "autograd"):
        pytest.skip("needs tallow-autograd")
    t = small(requires_grad=True)
    assert pickle.loads(pickle.dumps(t)).requires_grad


def test_through_a_queue() -> None:
    context = tmp.get_context("spawn")
    question, reply = context.Queue(), context.Queue()
    question.put(small())
    worker = context.Process(target=answer, args=(question, reply))
    worker.start()
    assert reply.get(timeout=60) == [[0, 0, 6], [8, 0, 10]]
    worker.join(60)
