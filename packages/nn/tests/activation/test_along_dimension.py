"""Activations along a dimension."""

import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.autograd import gradcheck


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def close(a, b, tolerance=1e-6):
    assert a.shape == b.shape and (a - b).abs().max().item() <= tolerance


def test_softmin_and_softmax2d():
    x = tallow.randn(2, 3, 4, 5)
    close(nn.Softmin(1)(x), (-x).exp() / (-x).exp().sum(1, keepdim=True))
    close(nn.Softmax2d()(x), x.softmax(1))
    close(nn.Softmax2d()(x[0]), x[0].softmax(0))
    assert F.softmin(x, 1, dtype=tallow.float64).dtype == tallow.float64
    with pytest.raises(ValueError, match="expected input to be 3D or 4D, got 2D"):
        nn.Softmax2d()(x[0, 0])
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmin"):
        F.softmin(x)


def test_glu():
    x = tallow.randn(3, 8)
    close(nn.GLU()(x), x[:, :4] * x[:, 4:].sigmoid())
    close(nn.GLU(0)(x[:2]), x[:1] * x[1:2].sigmoid())
    with pytest.raises(IndexError, match="Dimension out of range"):
        F.glu(x, 2)


def test_gumbel_softmax():
    logits = tallow.tensor([0.0, 1.0, 2.0]).expand(4000, 3)
    soft = F.gumbel_softmax(logits, tau=0.5)
    close(soft.sum(-1), tallow.ones(4000), 1e-5)
    hard = F.gumbel_softmax(logits, hard=True)
    assert tallow.equal(hard.round(), (hard > 0.5).float()) and hard.sum().round().item() == 4000
    # Categories come up as often as their probabilities say.
    close(hard.mean(0), logits[0].softmax(0), 0.04)
    leaf = tallow.randn(5, 3, requires_grad=True)
    F.gumbel_softmax(leaf, hard=True).pow(2).sum().backward()
    assert leaf.grad.abs().sum().item() > 0
    with pytest.warns(UserWarning, match="no effect"):
        F.gumbel_softmax(leaf, eps=1.0)


def test_gradients_of_softmin():
    x = tallow.randn(3, 4, dtype=tallow.float64, requires_grad=True)
    assert gradcheck(lambda t: F.softmin(t, -1), (x,))
