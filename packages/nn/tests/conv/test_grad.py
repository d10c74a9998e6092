"""The gradients of convolutions as functions are those that autograd takes."""

import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn

OPTIONS = [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "groups": 2}]


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_gradients(dims, options):
    groups = options.get("groups", 1)
    x = tallow.randn(2, 4, *[7] * dims, requires_grad=True)
    weight = tallow.randn(6, 4 // groups, *[3] * dims, requires_grad=True)
    y = getattr(F, f"conv{dims}d")(x, weight, **options)
    grad = tallow.randn(y.shape)
    expected = tallow.autograd.grad(y, (x, weight), grad)
    by_input = getattr(nn.grad, f"conv{dims}d_input")(x.shape, weight, grad, **options)
    by_weight = getattr(nn.grad, f"conv{dims}d_weight")(x, weight.shape, grad, **options)
    for got, want in zip((by_input, by_weight), expected, strict=True):
        tallow.testing.assert_close(got, want)


def test_shapes_that_do_not_fit():
    with pytest.raises(RuntimeError, match="convolution_input_grad"):
        nn.grad.conv2d_input((1, 1, 9, 9), tallow.ones(2, 1, 3, 3), tallow.ones(1, 2, 3, 3))
    with pytest.raises(RuntimeError, match="convolution_weight_grad"):
        nn.grad.conv2d_weight(tallow.ones(1, 1, 9, 9), (2, 1, 3, 3), tallow.ones(1, 2, 3, 3))
