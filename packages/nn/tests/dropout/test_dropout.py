"""Dropouts: how often, how much, what stays, and reproducibility."""

import warnings

import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn

ALL = [F.dropout, F.alpha_dropout, F.feature_alpha_dropout, F.dropout1d, F.dropout2d, F.dropout3d]


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def shape_for(function):
    return {F.dropout1d: (4, 3, 5), F.dropout3d: (4, 3, 2, 2, 2)}.get(function, (4, 3, 5, 5))


@pytest.mark.parametrize("function", ALL)
def test_evaluation_is_the_identity(function):
    x = tallow.randn(shape_for(function))
    assert function(x, 0.5, training=False) is x
    assert tallow.equal(function(x, 0.0, training=True), x)
    assert not function(x, 1.0, training=True).any()


@pytest.mark.parametrize("function", ALL)
def test_in_place_draws_the_same_numbers(function):
    x = tallow.randn(shape_for(function))
    tallow.manual_seed(1)
    expected = function(x, 0.4, training=True)
    tallow.manual_seed(1)
    y = x.clone()
    assert function(y, 0.4, training=True, inplace=True) is y and tallow.equal(y, expected)


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("p", [-0.1, 1.5])
def test_probabilities_are_checked(function, p):
    with pytest.raises(ValueError, match=f"dropout probability has to be between 0 and 1, but got {p}"):
        function(tallow.ones(shape_for(function)), p)


@pytest.mark.parametrize(
    "name", ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"]
)
def test_modules(name):
    m = getattr(nn, name)(0.3)
    assert repr(m) == f"{name}(p=0.3, inplace=False)"
    x = (
        tallow.randn(2, 3, 4)
        if name == "Dropout1d"
        else tallow.randn(2, 3, 4, 4, 4)
        if name == "Dropout3d"
        else tallow.randn(2, 3, 4, 4)
    )
    assert m.eval()(x) is x and not tallow.equal(m.train()(x), x)
    with pytest.raises(ValueError, match="dropout probability"):
        getattr(nn, name)(1.1)


def test_rate_and_scale():
    y = F.dropout(tallow.ones(100_000), 0.2)
    assert sorted(set(y.tolist())) == [0.0, 1.25]
    assert abs((y == 0).float().mean().item() - 0.2) < 0.01


def test_the_gradient_passes_where_the_value_does():
    x = tallow.ones(1000, requires_grad=True)
    y = F.dropout(x, 0.5)
    y.sum().backward()
    assert tallow.equal(x.grad, y.detach())


@pytest.mark.parametrize(
    ("function", "shape"), [(F.dropout1d, (40, 50, 3)), (F.dropout2d, (40, 50, 2, 3)), (F.dropout3d, (40, 50, 2, 2, 2))]
)
def test_channels_go_as_a_whole(function, shape):
    y = function(tallow.ones(shape), 0.25).flatten(2)
    assert bool((y == y[:, :, :1]).all())
    assert abs((y[:, :, 0] == 0).float().mean().item() - 0.25) < 0.05


def test_without_a_batch():
    x = tallow.ones(60, 4)
    y = F.dropout1d(x, 0.5)
    assert y.shape == x.shape and bool((y == y[:, :1]).all()) and 0 < (y[:, 0] == 0).sum().item() < 60
    assert F.dropout1d(x, 0.5, inplace=True) is x and (x == 0).any()
    z = F.dropout3d(tallow.ones(30, 2, 2, 2), 0.5).flatten(1)
    assert bool((z == z[:, :1]).all())


def test_unusual_dimensions():
    with pytest.raises(RuntimeError, match="dropout1d: Expected 2D or 3D input, but received a 4D input"):
        F.dropout1d(tallow.ones(1, 1, 1, 1))
    with pytest.warns(UserWarning, match="dropout2d: Received a 2-D input"):
        F.dropout2d(tallow.ones(2, 2))
    with pytest.warns(UserWarning, match="dropout2d: Received a 3D input"):
        F.dropout2d(tallow.ones(2, 2, 2))
    with pytest.warns(UserWarning, match="dropout3d: Received a 3-D input"):
        F.dropout3d(tallow.ones(2, 2, 2))
    with pytest.raises(RuntimeError, match="Feature dropout requires at least 2 dimensions"):
        F.feature_alpha_dropout(tallow.ones(3), training=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.dropout2d(tallow.ones(2, 2, 2, 2)), F.dropout3d(tallow.ones(2, 2, 2, 2))


@pytest.mark.parametrize("function", [F.alpha_dropout, F.feature_alpha_dropout])
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(function, p):
    x = tallow.randn(1000, 200)
    y = function(x, p, training=True)
    assert abs(y.mean().item()) < 0.02 and abs(y.var().item() - 1) < 0.03
    dropped = y.min() if p == 0.5 else y.flatten().mode().values
    assert abs((y == dropped).float().mean().item() - p) < 0.02 or p == 0.5


def test_the_mask_is_drawn_again_for_every_gradient():
    x = tallow.randn(3000, dtype=tallow.float64, requires_grad=True)
    y = F.dropout(x, 0.3)
    mask = (y != 0).double() / 0.7
    (first,) = tallow.autograd.grad((y * y).sum(), x, create_graph=True)
    assert (first - 2 * x * mask * mask).abs().max().item() < 1e-12
    (second,) = tallow.autograd.grad(first.sum(), x)
    assert (second - 2 * mask * mask).abs().max().item() < 1e-12


def test_the_same_bits_for_any_number_of_threads():
    x, before, results = tallow.randn(50_001), tallow.get_num_threads(), []
    for threads in (1, 2):
        tallow.set_num_threads(threads)
        tallow.manual_seed(3)
        results.append(F.dropout(x, 0.3))
    tallow.set_num_threads(before)
    assert tallow.equal(*results)


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16, tallow.float64, tallow.complex64])
def test_dtypes(dtype):
    x = tallow.ones(200, dtype=dtype)
    y = F.dropout(x, 0.5)
    assert y.dtype == dtype and set((tallow.real(y) if dtype.is_complex else y).tolist()) == {0.0, 2.0}
    assert tallow.equal(F.dropout(tallow.full((4,), float("nan"), dtype=dtype), 0.5).isnan(), tallow.ones(4) > 0)
