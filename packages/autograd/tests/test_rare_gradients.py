"""Gradients of ops that the tables of samples do not have."""

import pytest

import tallow
from tallow.autograd import gradcheck, gradgradcheck


def test_statistics():
    tallow.manual_seed(0)
    x = tallow.randn(3, 5, dtype=tallow.float64, requires_grad=True)
    weights = tallow.rand(5, dtype=tallow.float64) + 0.1
    for function in (
        tallow.cov,
        tallow.corrcoef,
        lambda x: tallow.cov(x, correction=0, aweights=weights),
        lambda x: tallow.renorm(x, 2, 0, 1.5),
        lambda x: x.sum_to_size(3, 1),
    ):
        assert gradcheck(function, (x,)) and gradgradcheck(function, (x,))


def test_incomplete_gamma():
    a = tallow.tensor([0.5, 2.0, 7.5], dtype=tallow.float64)
    x = tallow.tensor([0.7, 3.0, 6.0], dtype=tallow.float64, requires_grad=True)
    for op in (tallow.igamma, tallow.igammac):
        assert gradcheck(lambda x, op=op: op(a, x), (x,)) and gradgradcheck(lambda x, op=op: op(a, x), (x,))
        y = op(a.requires_grad_(), x)
        with pytest.raises(NotImplementedError, match="the derivative for '.*input' is not implemented"):
            y.sum().backward()


def test_mantissas():
    x = tallow.tensor([0.3, -5.0, 100.0], dtype=tallow.float64, requires_grad=True)
    mantissa, exponent = tallow.frexp(x)
    assert mantissa.requires_grad and not exponent.requires_grad
    assert gradcheck(lambda x: tallow.frexp(x).mantissa, (x,))


def test_neighbouring_numbers():
    a = tallow.tensor([1.0, 2.0], requires_grad=True)
    b = tallow.tensor([2.0, 2.0], requires_grad=True)
    tallow.nextafter(a, b).sum().backward()
    assert a.grad.tolist() == [1.0, 0.0] and b.grad.tolist() == [0.0, 0.0]
