"""Parameters that are functions of other tensors."""

import copy
import pickle

import pytest

import tallow
from tallow import nn
from tallow.nn.utils import parametrize


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT

    def right_inverse(self, x):
        return x.triu()


class Double(nn.Module):
    def forward(self, x):
        return 2 * x

    def right_inverse(self, x):
        return x / 2


class Sum(nn.Module):
    def forward(self, a, b):
        return a + b

    def right_inverse(self, x):
        return x / 2, x / 2


def test_register_and_remove():
    layer = nn.Linear(3, 3)
    before, parameter = layer.weight.detach().clone(), layer.weight
    assert parametrize.register_parametrization(layer, "weight", Symmetric()) is layer
    assert type(layer).__name__ == "ParametrizedLinear"
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert isinstance(layer, nn.Linear)
    assert parametrize.is_parametrized(layer)
    assert parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    assert layer.parametrizations.weight.original is parameter
    assert tallow.equal(layer.weight, before.triu() + before.triu(1).mT)
    assert [name for name, _ in layer.named_parameters()] == ["bias", "parametrizations.weight.original"]
    value = layer.weight.detach().clone()
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear
    assert layer.weight is parameter
    assert tallow.equal(layer.weight, value)
    assert sorted(dict(layer.named_parameters())) == ["bias", "weight"]


def test_a_chain():
    layer = nn.Linear(3, 3)
    before = layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Double())
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert len(layer.parametrizations.weight) == 2
    symmetric = before.triu() + before.triu(1).mT
    assert tallow.allclose(layer.weight, symmetric)
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert not tallow.equal(layer.weight, symmetric)


def test_assignment_goes_through_the_inverse():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Double())
    layer.weight = tallow.ones(2, 2)
    assert layer.parametrizations.weight.original.flatten().tolist() == [0.5] * 4
    assert layer.weight.flatten().tolist() == [1.0] * 4

    class OneWay(nn.Module):
        def forward(self, x):
            return x

    other = parametrize.register_parametrization(nn.Linear(2, 2), "weight", OneWay())
    with pytest.raises(RuntimeError, match="parametrization OneWay does not implement right_inverse"):
        other.weight = tallow.ones(2, 2)


def test_several_originals():
    layer = nn.Linear(2, 2)
    before = layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Sum())
    assert sorted(layer.parametrizations.weight.state_dict()) == ["original0", "original1"]
    assert tallow.allclose(layer.weight, before)
    layer.weight.sum().backward()
    assert layer.parametrizations.weight.original1.grad is not None
    with pytest.raises(ValueError, match="sequence of tensors"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer.weight) is nn.Parameter


def test_buffers_and_state():
    norm = nn.BatchNorm1d(2)
    parametrize.register_parametrization(norm, "running_mean", Double())
    assert "parametrizations.running_mean.original" in norm.state_dict()
    layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    other = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    other.load_state_dict(layer.state_dict())
    assert tallow.equal(other.weight, layer.weight)


def test_cached():
    calls = []

    class Counting(nn.Module):
        def forward(self, x):
            calls.append(1)
            return x + 0

    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Counting())
    calls.clear()
    with parametrize.cached():
        layer(tallow.ones(1, 2))
        with parametrize.cached():
            assert layer.weight is layer.weight
    assert len(calls) == 1
    assert layer.weight is not layer.weight


def test_copies():
    layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    twin = copy.deepcopy(layer)
    assert tallow.equal(twin.weight, layer.weight)
    assert twin.parametrizations.weight.original is not layer.parametrizations.weight.original
    with tallow.no_grad():
        twin.parametrizations.weight.original.zero_()
    assert layer.weight.abs().sum().item() > 0
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(layer)


def test_transfer():
    source = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    target = parametrize.transfer_parametrizations_and_params(source, nn.Linear(3, 3))
    assert tallow.equal(target.weight, source.weight)
    assert target.parametrizations.weight.original is source.parametrizations.weight.original


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda x: x.double(), "may not change the dtype"),
        (lambda x: x[:1], "may not change the shape"),
        (lambda x: 3, "must return a tensor. Got int"),
    ],
)
def test_checks(forward, message):
    class Wrong(nn.Module):
        def forward(self, x):
            return forward(x)

    with pytest.raises(ValueError, match=message):
        parametrize.register_parametrization(nn.Linear(2, 2), "weight", Wrong())
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Double())
    with pytest.raises(ValueError, match=message):
        parametrize.register_parametrization(layer, "weight", Wrong())


def test_errors():
    with pytest.raises(ValueError, match="does not have a parameter, a buffer"):
        parametrize.register_parametrization(nn.Linear(2, 2), "none", Double())
    with pytest.raises(ValueError, match="does not have a parametrization on weight"):
        parametrize.remove_parametrizations(nn.Linear(2, 2), "weight")


# -- ready-made -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("name", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal(shape, name, trivial):
    layer = nn.Linear(shape[1], shape[0], dtype=tallow.float64)
    nn.utils.parametrizations.orthogonal(layer, orthogonal_map=name, use_trivialization=trivial)
    optimizer_like = layer.parametrizations.weight.original
    layer.weight.sin().sum().backward()
    with tallow.no_grad():
        optimizer_like -= 0.1 * optimizer_like.grad
    w = layer.weight if shape[0] >= shape[1] else layer.weight.mT
    assert tallow.allclose(w.mT @ w, tallow.eye(w.size(1), dtype=tallow.float64), atol=1e-10)
    if not trivial and name != "householder":
        with pytest.raises(NotImplementedError, match="not possible to assign"):
            layer.weight = layer.weight.detach()
        return
    value = nn.init.orthogonal_(tallow.empty(shape, dtype=tallow.float64))
    layer.weight = value
    assert tallow.allclose(layer.weight, value, atol=1e-10)


@pytest.mark.parametrize("name", ["matrix_exp", "cayley"])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal_of_complex_matrices(name, trivial):
    layer = nn.Module()
    layer.weight = nn.Parameter(tallow.randn(2, 4, 3, dtype=tallow.complex128))
    nn.utils.parametrizations.orthogonal(layer, orthogonal_map=name, use_trivialization=trivial)
    identity = tallow.eye(3, dtype=tallow.complex128).expand(2, 3, 3)
    assert tallow.allclose(layer.weight.mH @ layer.weight, identity)
    layer.weight.abs().sum().backward()


def test_orthogonal_errors():
    layer = nn.Module()
    layer.weight = nn.Parameter(tallow.randn(3, 3, dtype=tallow.complex64))
    with pytest.raises(ValueError, match="householder parametrization does not support complex"):
        nn.utils.parametrizations.orthogonal(layer, orthogonal_map="householder")
    with pytest.raises(ValueError, match="orthogonal_map has to be one of"):
        nn.utils.parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="qr")
    with pytest.raises(ValueError, match="Got a tensor of 1 dimensions"):
        nn.utils.parametrizations.orthogonal(nn.Linear(2, 2), "bias")


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm(dim):
    layer = nn.Linear(4, 3)
    before = layer.weight.detach().clone()
    nn.utils.parametrizations.weight_norm(layer, dim=dim)
    assert tallow.allclose(layer.weight, before)
    g = layer.parametrizations.weight.original0
    assert tuple(g.shape) == {0: (3, 1), 1: (1, 4), None: ()}[dim]
    with tallow.no_grad():
        g.mul_(2)
    assert tallow.allclose(layer.weight, 2 * before)
    with pytest.warns(FutureWarning, match="deprecated"):
        old = nn.utils.weight_norm(nn.Linear(4, 3), dim=dim)
    assert sorted(old.state_dict()) == ["bias", "weight_g", "weight_v"]
    layer.load_state_dict(old.state_dict())
    assert tallow.allclose(layer.weight, old.weight)


def test_weight_norm_by_hook():
    with pytest.warns(FutureWarning):
        layer = nn.utils.weight_norm(nn.Linear(4, 3))
    layer(tallow.ones(2, 4)).sum().backward()
    assert layer.weight_g.grad is not None
    with tallow.no_grad():
        layer.weight_g.fill_(1)
    layer(tallow.ones(2, 4))
    assert tallow.allclose(layer.weight.norm(dim=1), tallow.ones(3))
    with pytest.warns(FutureWarning), pytest.raises(RuntimeError, match="Cannot register two weight_norm hooks"):
        nn.utils.weight_norm(layer)
    nn.utils.remove_weight_norm(layer)
    assert sorted(layer.state_dict()) == ["bias", "weight"]
    assert not layer._forward_pre_hooks
    with pytest.raises(ValueError, match="weight_norm of 'weight' not found"):
        nn.utils.remove_weight_norm(layer)


def largest_singular_value(matrix):
    v = tallow.ones(matrix.size(1), dtype=matrix.dtype)
    for _ in range(500):
        v = matrix.mT @ (matrix @ v)
        v = v / v.norm()
    return (matrix @ v).norm()


def test_spectral_norm():
    layer = nn.Linear(5, 4)
    before = layer.weight.detach().clone()
    nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=30)
    assert tallow.allclose(layer.weight, before / largest_singular_value(before), atol=1e-4)
    layer.eval()
    u = layer.parametrizations.weight[0]._u.clone()
    layer(tallow.ones(1, 5))
    assert tallow.equal(layer.parametrizations.weight[0]._u, u)
    layer.weight.sum().backward()
    assert layer.parametrizations.weight.original.grad is not None
    vector = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3), "bias")
    assert vector.bias.norm().item() == pytest.approx(1)
    with pytest.raises(ValueError, match="n_power_iterations=0"):
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3), n_power_iterations=0)
    with pytest.raises(IndexError, match="Dimension out of range"):
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3), dim=2)


def test_spectral_norm_by_hook():
    conv = nn.ConvTranspose2d(3, 4, 2)
    before = conv.weight.detach().clone()
    nn.utils.spectral_norm(conv, n_power_iterations=50)
    assert tuple(conv.weight_u.shape) == (4,)
    conv(tallow.ones(1, 3, 4, 4)).sum().backward()
    wanted = before / largest_singular_value(before.movedim(1, 0).flatten(1))
    assert tallow.allclose(conv.weight, wanted, atol=1e-4)
    assert sorted(conv.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    other = nn.utils.spectral_norm(nn.ConvTranspose2d(3, 4, 2))
    other.load_state_dict(conv.state_dict())
    nn.utils.remove_spectral_norm(conv)
    assert sorted(conv.state_dict()) == ["bias", "weight"]
    assert tallow.allclose(conv.weight, wanted, atol=1e-4)
    with pytest.raises(ValueError, match="spectral_norm of 'weight' not found"):
        nn.utils.remove_spectral_norm(conv)
