"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from collections import OrderedDict

import pytest

import tallow
from tallow import nn


def test_sequential_runs_in_order():
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2), nn.ReLU())
    assert tuple(net(tallow.zeros(3, 2, 2)).shape) == (3, 2)
    assert len(net) == 3 and isinstance(net[-1], nn.ReLU)


def test_named_sequential_and_slices_keep_names():
    net = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh(), c=nn.Sigmoid()))
    assert list(net._modules) == ["a", "b", "c"] and net.b is net[1]
    assert list(net[1:]._modules) == ["b", "c"]


def test_sequence_editing():
    net = nn.Sequential(nn.ReLU())
    net.append(nn.Tanh()).insert(0, nn.Identity()).extend([nn.Sigmoid()])
    assert [type(m).__name__ for m in net] == ["Identity", "ReLU", "Tanh", "Sigmoid"]
    del net[0]
    net[0] = nn.GELU()
    assert isinstance(net.pop(), nn.Sigmoid)
    assert list(net._modules) == ["0", "1"] and isinstance(net[0], nn.GELU)
    assert len(net + nn.Sequential(nn.ReLU())) == 3 and len(net * 2) == 4
    net += nn.Sequential(nn.ReLU())
    assert len(net) == 3
    del net[:2]
    assert len(net) == 1


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda s: s[5], IndexError),
        (lambda s: s.insert(9, nn.ReLU()), IndexError),
        (lambda s: s.insert(0, 3), AssertionError),
        (lambda s: s.append(3), TypeError),
        (lambda s: s * 0, ValueError),
        (lambda s: s + [nn.ReLU()], ValueError),
        (lambda s: s.extend(3), TypeError),
    ],
)
def test_sequential_errors(act, error):
    with pytest.raises(error):
        act(nn.Sequential(nn.ReLU()))


def test_module_list():
    layers = nn.ModuleList(nn.Linear(1, 1) for _ in range(3))
    assert len(list(layers.parameters())) == 6 and isinstance(layers[1:], nn.ModuleList)
    assert len(layers + [nn.ReLU()]) == 4
    folded = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])
    assert repr(folded) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"
    with pytest.raises(NotImplementedError):
        layers(1)


def test_module_dict():
    d = nn.ModuleDict({"a": nn.ReLU()})
    d.update([("b", nn.Tanh())])
    d["c"] = nn.Linear(1, 1)
    assert list(d) == list(d.keys()) == ["a", "b", "c"] and "a" in d and len(d) == 3
    assert isinstance(d.pop("b"), nn.Tanh) and [k for k, _ in d.items()] == ["a", "c"]
    del d["a"]
    d.clear()
    assert not list(d.values())
    with pytest.raises(TypeError):
        d.update(3)
    with pytest.raises(ValueError, match="has length 1; 2 is required"):
        d.update([("x",)])


def test_parameter_list():
    p = nn.ParameterList([tallow.zeros(2), nn.Parameter(tallow.ones(3))])
    p.append(tallow.ones(1))
    p += [tallow.ones(1)]
    assert [n for n, _ in p.named_parameters()] == ["0", "1", "2", "3"] and len(p) == 4
    p[0] = tallow.ones(2)
    assert isinstance(p[0], nn.Parameter) and p[-4].tolist() == [1, 1]
    assert len(p[1:3]) == 2 and p[1:3][0] is p[1]
    with pytest.raises(IndexError):
        p[4]


def test_parameter_dict():
    p = nn.ParameterDict({"a": tallow.zeros(2)})
    p["b"] = tallow.ones(1)
    assert p.setdefault("b") is p["b"] and p.get("c") is None and list(p) == ["a", "b"]
    assert list(dict(p.items())) == ["a", "b"] and list(reversed(p)) == ["b", "a"]
    assert p.copy()["a"] is p["a"]
    assert p.popitem()[0] == "b" and p.pop("a").tolist() == [0, 0] and len(p) == 0
    with pytest.raises(KeyError):
        p["a"]
    with pytest.raises(TypeError):
        p[3] = tallow.ones(1)
