"""Tensors that repeat one element many times, as gradients of a sum do."""

import pytest

import tallow


@pytest.mark.parametrize("n", [1, 1000, 5000, 300_000])
@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64, tallow.bfloat16, tallow.int32])
def test_a_function_of_one_repeated_element(n, dtype):
    x = tallow.tensor(3, dtype=dtype).expand(n)
    for result, wanted in ((-x, -3), (x.abs(), 3), (x.square(), 9), (x.double().neg(), -3)):
        assert tuple(result.shape) == (n,)
        assert result.min().item() == result.max().item() == wanted


def test_of_several():
    x, y = tallow.tensor(3.0).expand(300, 400), tallow.ones(300, 400)
    assert (x * x).sum().item() == 9 * 120_000
    assert (x - y).sum().item() == 2 * 120_000
    assert tallow.where(y > 0, x, -x).sum().item() == 3 * 120_000
