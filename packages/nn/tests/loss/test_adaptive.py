"""The adaptive softmax."""

import pytest

import tallow
from tallow import nn
from tallow.autograd import gradcheck


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def layer(**kwargs):
    return nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 12], div_value=2.0, dtype=tallow.float64, **kwargs)


def test_probabilities():
    m, x = layer(head_bias=True), tallow.randn(6, 8, dtype=tallow.float64)
    log_prob = m.log_prob(x)
    assert tuple(log_prob.shape) == (6, 20)
    assert tallow.allclose(log_prob.exp().sum(1), tallow.ones(6, dtype=tallow.float64))
    target = tallow.tensor([0, 4, 5, 11, 12, 19])
    output, loss = m(x, target)
    assert tallow.allclose(output, log_prob.gather(1, target[:, None])[:, 0])
    assert tallow.allclose(loss, -output.mean())
    assert tallow.equal(m.predict(x), log_prob.argmax(1))
    single = m(x[2], target[2])
    assert single.output.dim() == 0
    assert tallow.allclose(single.output, output[2])


def test_state_and_gradients():
    m = layer()
    tail = [f"tail.{i}.{j}.weight" for i in (0, 1) for j in (0, 1)]
    assert list(m.state_dict()) == ["head.weight", *tail]
    assert [tuple(p.shape) for p in m.tail[1].parameters()] == [(2, 8), (8, 2)]
    x = tallow.randn(4, 8, dtype=tallow.float64, requires_grad=True)
    target = tallow.tensor([1, 7, 13, 2])
    assert gradcheck(lambda x: m(x, target), (x,))
    m(x, target).loss.backward()
    assert all(p.grad is not None for p in m.parameters())


@pytest.mark.parametrize("cutoffs", [[], [0], [5, 5], [12, 5], [20], [2.5]])
def test_bad_cutoffs(cutoffs):
    with pytest.raises(ValueError, match="cutoffs should be a sequence"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs)


def test_errors():
    m = layer()
    x = tallow.zeros(2, 8, dtype=tallow.float64)
    with pytest.raises(RuntimeError, match=r"in \[0, 19\], but values in range \[0, 20\]"):
        m(x, tallow.tensor([0, 20]))
    with pytest.raises(RuntimeError, match="same size in the batch"):
        m(x, tallow.tensor([0]))
    with pytest.raises(RuntimeError, match="1D target tensor expects 2D input"):
        m(x[0], tallow.tensor([0]))
    with pytest.raises(RuntimeError, match="multi-target"):
        m(x, tallow.tensor([[0]]))
