"""cov, corrcoef, renorm, sum_to_size; the incomplete gamma functions."""

import math

import numpy as np
import pytest

import tallow

X = np.random.default_rng(0).standard_normal((3, 7))
F, A = np.array([1, 2, 1, 1, 3, 1, 2]), np.abs(X[0]) + 0.1


def t(array):
    return tallow.from_numpy(array)


@pytest.mark.parametrize("correction", [0, 1, 2])
@pytest.mark.parametrize("f", [None, F])
@pytest.mark.parametrize("a", [None, A])
def test_cov(correction, f, a):
    got = tallow.cov(
        t(X), correction=correction, fweights=None if f is None else t(f), aweights=None if a is None else t(a)
    )
    np.testing.assert_allclose(got.numpy(), np.cov(X, ddof=correction, fweights=f, aweights=a), rtol=1e-10)


def test_cov_of_one_variable_integers_and_complex_numbers():
    np.testing.assert_allclose(tallow.cov(t(X[0])).item(), np.cov(X[0]))
    assert tallow.tensor([[1, 2, 3], [3, 2, 1]]).cov().tolist() == [[1, -1], [-1, 1]]
    z = X + 1j * X[::-1]
    np.testing.assert_allclose(tallow.cov(t(z)).numpy(), np.cov(z), rtol=1e-10)
    np.testing.assert_allclose(tallow.corrcoef(t(z)).numpy(), np.corrcoef(z), rtol=1e-10)


def test_corrcoef():
    np.testing.assert_allclose(t(X).corrcoef().numpy(), np.corrcoef(X), rtol=1e-10)
    assert tallow.corrcoef(t(X[0])).item() == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tallow.cov(tallow.zeros(1, 1, 1)), "two or fewer dimensions but got an input with 3"),
        (lambda: tallow.cov(tallow.tensor([True])), "bool dtype is not supported"),
        (lambda: tallow.cov(t(X), fweights=t(A)), "fweights to have integral dtype"),
        (lambda: tallow.cov(t(X), fweights=-t(F)), "fweights cannot be negative"),
        (lambda: tallow.cov(t(X), aweights=t(A[:3])), "same numel as there are observations"),
        (lambda: tallow.renorm(tallow.ones(3), 2, 0, 1), "at least 2 dimensions"),
        (lambda: tallow.renorm(t(X), 0, 0, 1), "non-positive-norm"),
        (lambda: tallow.renorm(t(X), 2, 0, -1), "maxnorm to be >= 0"),
        (lambda: t(X).sum_to_size(2, 7), "is not expandable to size"),
    ],
)
def test_errors(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()


def test_renorm():
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    bound = float(np.median(norms))
    expected = X * np.where(norms > bound, bound / (norms + 1e-7), 1)
    np.testing.assert_allclose(tallow.renorm(t(X), 2, 0, bound).numpy(), expected)
    x = t(X.copy())
    assert x.renorm_(1, 1, 0.5) is x
    assert (x.abs().sum(0) <= 0.5).all()


def test_sum_to_size():
    x = tallow.ones(4, 2, 3)
    assert x.sum_to_size(2, 1).tolist() == [[12], [12]]
    assert x.sum_to_size((3,)).tolist() == [8, 8, 8]
    assert x.sum_to_size(4, 2, 3).shape == (4, 2, 3)


def test_incomplete_gamma_of_whole_orders():
    """gammaincc(n, x) = exp(-x) sum over k < n of x^k / k!"""
    for n in (1, 2, 5, 20, 120):
        x = np.array([0.01, 0.5, 1.0, n - 0.5, n, n + 0.5, 2.0 * n, 5.0 * n])
        upper = [sum(math.exp(k * math.log(v) - v - math.lgamma(k + 1)) for k in range(n)) for v in x]
        order = tallow.full((len(x),), float(n), dtype=tallow.float64)
        np.testing.assert_allclose(tallow.igammac(order, t(x)).numpy(), upper, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose((tallow.igamma(order, t(x)) + tallow.igammac(order, t(x))).numpy(), 1, rtol=1e-13)


def test_incomplete_gamma_at_the_edges():
    inf, nan = math.inf, math.nan
    a = tallow.tensor([0.0, 0.0, 1.0, inf, 1.0, inf, -1.0, 1.0, nan])
    x = tallow.tensor([0.0, 1.0, 0.0, 1.0, inf, inf, 1.0, -1.0, 1.0])
    np.testing.assert_equal(tallow.igamma(a, x).numpy(), np.float32([nan, 1, 0, 0, 1, nan, nan, nan, nan]))
    np.testing.assert_equal(tallow.special.gammaincc(a, x).numpy(), np.float32([nan, 0, 1, 1, 0, nan, nan, nan, nan]))
