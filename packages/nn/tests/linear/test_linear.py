"""Affine and bilinear maps."""

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.autograd import gradcheck, gradgradcheck


def randn(*shape):
    return tallow.randn(*shape, dtype=tallow.float64, requires_grad=True)


@pytest.mark.parametrize("leading", [(), (4,), (2, 3), (0,)])
@pytest.mark.parametrize("bias", [False, True])
def test_linear(leading, bias):
    x, w, b = randn(*leading, 5), randn(3, 5), randn(3) if bias else None
    expected = x.detach().numpy() @ w.detach().numpy().T + (b.detach().numpy() if bias else 0)
    np.testing.assert_allclose(F.linear(x, w, b).detach().numpy(), expected, atol=1e-12)
    inputs = [x, w, b] if bias else [x, w]
    assert gradcheck(F.linear, inputs) and gradgradcheck(F.linear, inputs)


def test_linear_into_a_tensor_and_with_strides():
    x, w = tallow.randn(4, 5), tallow.randn(5, 3).t()
    out = tallow.empty(4, 3)
    assert F.linear(x, w, out=out) is out
    np.testing.assert_allclose(out.numpy(), x.numpy() @ w.numpy().T, atol=1e-5)


@pytest.mark.parametrize("leading", [(), (4,), (2, 3), (0,)])
def test_bilinear(leading):
    x, y, w, b = randn(*leading, 2), randn(*leading, 4), randn(3, 2, 4), randn(3)
    arrays = [t.detach().numpy() for t in (x, y, w, b)]
    expected = np.einsum("...i,oij,...j->...o", arrays[0], arrays[2], arrays[1]) + arrays[3]
    np.testing.assert_allclose(F.bilinear(x, y, w, b).detach().numpy(), expected, atol=1e-12)
    assert gradcheck(F.bilinear, [x, y, w, b]) and gradgradcheck(F.bilinear, [x, y, w])


def test_modules():
    module = nn.Bilinear(2, 3, 4, bias=False)
    assert list(module.state_dict()) == ["weight"] and tuple(module.weight.shape) == (4, 2, 3)
    assert repr(nn.Bilinear(2, 3, 4)) == "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)"
    assert float(module.weight.abs().max()) <= 2**-0.5


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.linear(randn(2, 3), randn(4, 2)), RuntimeError, "shapes cannot be multiplied"),
        (lambda: F.linear(randn(2, 3), randn(4, 3).float()), RuntimeError, "same dtype, but got Double and Float"),
        (lambda: F.bilinear(randn(2, 3), randn(3, 3), randn(1, 3, 3)), RuntimeError, "batch dimensions do not match"),
        (lambda: F.bilinear(randn(2, 3), randn(2, 3), randn(1, 4, 3)), RuntimeError, "got 3 but expected 4"),
        (lambda: F.bilinear(randn(2, 3), randn(2, 3), randn(1, 3, 3), randn(2)), RuntimeError, "got 2 but expected 1"),
        (lambda: nn.Bilinear(0, 3, 4), ValueError, "in1_features must be > 0, but got 0"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
