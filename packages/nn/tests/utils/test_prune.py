"""Pruning by masks."""

import copy

import pytest

import tallow
from tallow import nn
from tallow.nn.utils import prune


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def test_smallest_elements():
    layer = nn.Linear(3, 2, bias=False)
    with tallow.no_grad():
        layer.weight.copy_(tallow.tensor([[0.1, -5.0, 0.3], [-0.2, 4.0, 1.0]]))
    assert prune.l1_unstructured(layer, "weight", 2) is layer
    assert layer.weight_mask.tolist() == [[0, 1, 1], [0, 1, 1]]
    assert layer.weight.tolist()[0] == [0.0, -5.0, pytest.approx(0.3)]
    assert sorted(layer.state_dict()) == ["weight_mask", "weight_orig"]
    layer(tallow.ones(1, 3)).sum().backward()
    assert layer.weight_orig.grad.tolist() == [[0, 1, 1], [0, 1, 1]]
    assert prune.is_pruned(nn.Sequential(layer))
    prune.remove(layer, "weight")
    assert not prune.is_pruned(layer)
    assert list(layer.state_dict()) == ["weight"]
    assert layer.weight[0, 0].item() == 0
    assert isinstance(layer.weight, nn.Parameter)


def test_scores():
    layer = nn.Linear(2, 1)
    prune.l1_unstructured(layer, "weight", 1, importance_scores=tallow.tensor([[2.0, 1.0]]))
    assert layer.weight_mask.tolist() == [[1, 0]]
    with pytest.raises(AssertionError, match="same shape as parameter"):
        prune.l1_unstructured(nn.Linear(2, 1), "weight", 1, importance_scores=tallow.ones(3))


def test_again_prunes_what_is_left():
    layer = nn.Linear(10, 10)
    prune.l1_unstructured(layer, "weight", 0.5)
    first = layer.weight_mask.clone()
    prune.random_unstructured(layer, "weight", 0.5)
    assert layer.weight_mask.sum().item() == 25
    assert (layer.weight_mask <= first).all()
    (hook,) = layer._forward_pre_hooks.values()
    assert isinstance(hook, prune.PruningContainer)
    assert len(hook) == 2
    prune.ln_structured(layer, "weight", 1, n=2, dim=0)
    assert (layer.weight_mask.sum(1) == 0).any()


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_structured(dim):
    layer = nn.Conv2d(4, 6, 2)
    prune.ln_structured(layer, "weight", 2, n=2, dim=dim)
    others = [d for d in range(4) if d != dim % 4]
    assert (layer.weight_mask.sum(others) == 0).sum().item() == min(2, layer.weight.size(dim))
    random = prune.random_structured(nn.Linear(4, 8), "weight", 0.25, dim=0)
    assert (random.weight_mask.sum(1) == 0).sum().item() == 2


def test_smallest_norms_go():
    layer = nn.Linear(2, 3)
    with tallow.no_grad():
        layer.weight.copy_(tallow.tensor([[1.0, 1.0], [0.0, 0.1], [5.0, 5.0]]))
    prune.ln_structured(layer, "weight", 1, n=1, dim=0)
    assert layer.weight_mask.tolist() == [[1, 1], [0, 0], [1, 1]]


def test_global():
    a, b = nn.Linear(4, 4), nn.Linear(4, 4)
    with tallow.no_grad():
        a.weight.fill_(1.0)
        b.weight.fill_(0.1)
    prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=16)
    assert a.weight_mask.sum().item() == 16
    assert b.weight_mask.sum().item() == 0
    prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=0.5)
    assert a.weight_mask.sum().item() + b.weight_mask.sum().item() == 8
    with pytest.raises(TypeError, match='Only "unstructured"'):
        prune.global_unstructured([(a, "bias")], prune.LnStructured, amount=1, n=2)


def test_custom_and_identity():
    layer = prune.custom_from_mask(nn.Linear(2, 1), "weight", tallow.tensor([[1, 0]]))
    assert layer.weight[0, 1].item() == 0
    layer = prune.identity(nn.Linear(2, 1), "bias")
    assert layer.bias_mask.tolist() == [1.0]
    method = prune.L1Unstructured(1)
    assert method.prune(tallow.tensor([1.0, -3.0, 2.0])).tolist() == [0.0, -3.0, 2.0]


def test_copies_and_state():
    layer = prune.l1_unstructured(nn.Linear(4, 4), "weight", 0.5)
    layer(tallow.ones(1, 4))
    twin = prune.identity(nn.Linear(4, 4), "weight")
    twin.load_state_dict(layer.state_dict())
    twin(tallow.ones(1, 4))
    assert tallow.equal(twin.weight, layer.weight)
    with tallow.no_grad():
        layer(tallow.ones(1, 4))
        again = copy.deepcopy(layer)
    assert tallow.equal(again.weight_mask, layer.weight_mask)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: prune.l1_unstructured(m, "weight", "a"), TypeError, "Must be int or float"),
        (lambda m: prune.l1_unstructured(m, "weight", 1.5), ValueError, r"float in the range \[0, 1\]"),
        (lambda m: prune.l1_unstructured(m, "weight", -1), ValueError, "non-negative integer"),
        (lambda m: prune.l1_unstructured(m, "weight", 100), ValueError, "smaller than the number of parameters"),
        (lambda m: prune.ln_structured(m, "bias", 1, 2, 0), ValueError, "multidimensional tensors"),
        (lambda m: prune.ln_structured(m, "weight", 1, 2, 3), IndexError, "Invalid index 3"),
        (lambda m: prune.remove(m, "weight"), ValueError, "has to be pruned before pruning can be removed"),
    ],
)
def test_errors(call, error, message):
    layer = nn.Linear(2, 2)
    with pytest.raises(error, match=message):
        call(layer)
    assert sorted(layer.state_dict()) == ["bias", "weight"]  # and nothing is half pruned
