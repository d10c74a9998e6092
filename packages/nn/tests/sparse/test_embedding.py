"""Rows by index, bags of rows, one-hot rows."""

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn, ops
from tallow.autograd import gradcheck, gradgradcheck


def table(rows=7, width=5, dtype=tallow.float64):
    tallow.manual_seed(0)
    return tallow.randn(rows, width, dtype=dtype, requires_grad=True)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,), (2, 0, 3)])
@pytest.mark.parametrize("dtype", [tallow.int64, tallow.int32])
def test_rows_by_index(shape, dtype):
    weight, indices = table(), tallow.randint(0, 7, shape).to(dtype)
    result = F.embedding(indices, weight)
    assert tuple(result.shape) == (*shape, 5)
    np.testing.assert_array_equal(result.detach().numpy(), weight.detach().numpy()[indices.numpy()])


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16, tallow.int64, tallow.bool])
def test_any_elements(dtype):
    weight = (tallow.randn(6, 3) * 4).to(dtype)
    assert F.embedding(tallow.tensor([5, 0]), weight).tolist() == [weight[5].tolist(), weight[0].tolist()]


@pytest.mark.parametrize("padding", [None, 2, -1])
@pytest.mark.parametrize("by_frequency", [False, True])
def test_gradients(padding, by_frequency):
    indices = tallow.tensor([[2, 0, 2], [6, 6, 1]])
    weight = table()
    F.embedding(indices, weight, padding, scale_grad_by_freq=by_frequency).sum().backward()
    expected = np.zeros((7, 5))
    for i in indices.flatten().tolist():
        expected[i] += 1
    if by_frequency:
        expected[expected > 0] = 1
    if padding is not None:
        expected[padding] = 0
    np.testing.assert_array_equal(weight.grad.numpy(), expected)
    # The gradient as a function of what it is given.
    row = -1 if padding is None else padding % 7
    of_grad = lambda g: ops.nn.embedding_backward(g, indices, 7, row, by_frequency)  # noqa: E731
    assert gradcheck(of_grad, [tallow.randn(2, 3, 5, dtype=tallow.float64, requires_grad=True)])
    if padding is None and not by_frequency:
        assert gradcheck(lambda w: F.embedding(indices, w), [table()])
        assert gradgradcheck(lambda w: F.embedding(indices, w), [table()])


def test_max_norm_scales_the_rows_that_are_read():
    weight = nn.Parameter(tallow.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]]))
    result = F.embedding(tallow.tensor([0, 1, 0]), weight, max_norm=1.0)
    np.testing.assert_allclose(result.detach().numpy(), [[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]], atol=1e-6)
    assert weight[2].tolist() == [6.0, 8.0]


def test_same_bits_on_any_number_of_threads():
    results = []
    for threads in (1, 2):
        tallow.set_num_threads(threads)
        weight, indices = table(500, 300, tallow.float32), tallow.randint(0, 500, (4000,))
        tallow.manual_seed(1)
        (F.embedding(indices, weight) * tallow.randn(4000, 300)).sum().backward()
        results.append(weight.grad.numpy())
    assert (results[0] == results[1]).all()


def reference_bags(weight, indices, starts, mode, factors=None, padding=None):
    out = np.zeros((len(starts), weight.shape[1]))
    for b, start in enumerate(starts):
        bag = range(start, starts[b + 1] if b + 1 < len(starts) else len(indices))
        rows = [weight[indices[i]] * (1 if factors is None else factors[i]) for i in bag if indices[i] != padding]
        if rows:
            out[b] = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode](rows, axis=0)
    return out


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 3])
@pytest.mark.parametrize("starts", [[0, 2, 2, 5], [0], [0, 0, 6]])
def test_bags(mode, padding, starts):
    indices = [3, 1, 6, 3, 0, 3]
    weight = table()
    result = F.embedding_bag(tallow.tensor(indices), weight, tallow.tensor(starts), mode=mode, padding_idx=padding)
    expected = reference_bags(weight.detach().numpy(), indices, starts, mode, padding=padding)
    np.testing.assert_allclose(result.detach().numpy(), expected, atol=1e-12)
    with_end = tallow.tensor([*starts, len(indices)])
    again = F.embedding_bag(
        tallow.tensor(indices), weight, with_end, mode=mode, padding_idx=padding, include_last_offset=True
    )
    assert again.tolist() == result.tolist()
    if padding is None:
        bags = lambda w: F.embedding_bag(tallow.tensor(indices), w, tallow.tensor(starts), mode=mode)  # noqa: E731
        assert gradcheck(bags, [table()])


def test_bags_of_equal_size_and_weights():
    indices = tallow.tensor([[1, 2], [3, 3]])
    weight, factors = table(), tallow.rand(2, 2, dtype=tallow.float64, requires_grad=True)
    result = F.embedding_bag(indices, weight, mode="sum", per_sample_weights=factors)
    flat = factors.detach().numpy().ravel()
    expected = reference_bags(weight.detach().numpy(), [1, 2, 3, 3], [0, 2], "sum", flat)
    np.testing.assert_allclose(result.detach().numpy(), expected, atol=1e-12)
    weighted = lambda w, f: F.embedding_bag(indices, w, mode="sum", per_sample_weights=f)  # noqa: E731
    assert gradcheck(weighted, [table(), factors])
    assert tuple(F.embedding_bag(tallow.zeros(0, 3, dtype=tallow.int64), weight).shape) == (0, 5)
    assert F.embedding_bag(tallow.zeros(2, 0, dtype=tallow.int64), weight, mode="max").abs().sum().item() == 0


def test_modules():
    module = nn.Embedding(4, 2, padding_idx=-1)
    assert module.weight[3].tolist() == [0.0, 0.0] and module.padding_idx == 3
    bag = nn.EmbeddingBag.from_pretrained(tallow.ones(3, 2), mode="sum")
    assert not bag.weight.requires_grad and bag(tallow.tensor([[0, 1, 2]])).tolist() == [[3.0, 3.0]]
    assert repr(nn.EmbeddingBag(3, 4, padding_idx=1)) == "EmbeddingBag(3, 4, mode='mean', padding_idx=1)"
    assert list(bag.state_dict()) == ["weight"]


def test_one_hot():
    assert F.one_hot(tallow.tensor([[0, 2], [1, 1]])).tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 1, 0]]]
    assert F.one_hot(tallow.tensor(1), 2).tolist() == [0, 1]
    assert tuple(F.one_hot(tallow.zeros(0, 2, dtype=tallow.int64), 3).shape) == (0, 2, 3)


INDEX = tallow.tensor([0, 1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.embedding(tallow.tensor([7]), table()), IndexError, "index 7 for a table of 7 rows"),
        (lambda: F.embedding(tallow.tensor([-1]), table()), IndexError, "index out of range in self"),
        (lambda: F.embedding(tallow.tensor([0.0]), table()), RuntimeError, "scalar types: Long, Int"),
        (lambda: ops.nn.embedding_backward(tallow.zeros(3, 2), INDEX, 4, -1), RuntimeError, "does not fit indices"),
        (lambda: F.embedding(INDEX, table(), 7), AssertionError, "Padding_idx must be within num_embeddings, got 7"),
        (lambda: F.embedding_bag(INDEX, table(), INDEX, mode="max", sparse=True), ValueError, "not support sparse"),
        (lambda: F.embedding_bag(INDEX, table()), ValueError, "offsets has to be a 1D Tensor but got None"),
        (lambda: F.embedding_bag(INDEX, table(), tallow.tensor([1])), RuntimeError, r"offsets\[0\] has to be 0"),
        (lambda: F.embedding_bag(INDEX, table(), tallow.tensor([0, 3])), RuntimeError, "of 3"),
        (lambda: F.embedding_bag(INDEX, table(), tallow.tensor([0, 2, 1])), RuntimeError, "must not decrease"),
        (lambda: F.embedding_bag(INDEX.view(1, 2), table(), INDEX), ValueError, "offsets has to be None"),
        (lambda: F.embedding_bag(INDEX.view(1, 2), table(), mode="min"), ValueError, "got min"),
        (lambda: F.one_hot(tallow.tensor([-1])), RuntimeError, "must be non-negative"),
        (lambda: F.one_hot(tallow.tensor([3]), 3), RuntimeError, "must be smaller than num_classes, got 3 for 3"),
        (lambda: F.one_hot(tallow.tensor([1.0])), RuntimeError, "type int64, got tallow.float32"),
        (lambda: F.one_hot(tallow.zeros(0, dtype=tallow.int64)), RuntimeError, "from empty tensor"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
