"""Which kind of member may take whose name, and what a saved module says about itself."""

import pickle
import warnings
from collections import OrderedDict

import pytest

import tallow
from tallow import nn


def test_a_parameters_name_takes_no_module_and_no_buffer():
    module = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=r"cannot assign 'tallow.nn.modules.linear.Linear' as parameter 'weight'"):
        module.weight = nn.Linear(1, 1)
    with pytest.raises(TypeError, match="cannot assign 'tallow.FloatTensor' as parameter 'weight'"):
        module.weight = nn.Buffer(tallow.ones(1))
    assert list(module._parameters) == ["weight", "bias"] and not module._modules and not module._buffers


def test_a_modules_name_takes_no_buffer():
    module = nn.Sequential(nn.ReLU())
    with pytest.raises(TypeError, match="cannot assign 'tallow.FloatTensor' as child module '0'"):
        setattr(module, "0", nn.Buffer(tallow.ones(1)))
    assert isinstance(module[0], nn.ReLU)


def test_a_bad_name_of_a_module_is_shown():
    with pytest.raises(KeyError, match=r'module name can\\\'t contain ".", got: a.b'):
        nn.Module().add_module("a.b", nn.ReLU())


def test_versions_in_the_metadata():
    metadata = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)).state_dict()._metadata
    assert {name: entry["version"] for name, entry in metadata.items()} == {"": 1, "0": 1, "1": 2}


def test_attributes_of_a_parameter_are_pickled():
    parameter = nn.Parameter(tallow.ones(2))
    parameter.no_decay = True
    again = pickle.loads(pickle.dumps(parameter))
    assert again.no_decay and type(again) is nn.Parameter and again.tolist() == [1, 1]
    assert not vars(pickle.loads(pickle.dumps(nn.Parameter(tallow.ones(1)))))


def test_zero_grad_keeps_the_gradients_tensor():
    module = nn.Linear(2, 1)
    module(tallow.ones(1, 2)).sum().backward()
    grad = module.weight.grad
    module.zero_grad(set_to_none=False)
    assert module.weight.grad is grad and grad.tolist() == [[0, 0]]


def test_cuda_without_one():
    with pytest.raises(AssertionError, match="not compiled with CUDA enabled"):
        nn.Linear(1, 1).cuda()


def test_a_dict_of_parameters_is_sorted_and_an_ordered_one_is_not():
    pairs = {"b": tallow.ones(1), "a": tallow.ones(2)}
    assert list(nn.ParameterDict(pairs)) == ["a", "b"]
    assert list(nn.ParameterDict(OrderedDict(pairs))) == ["b", "a"]
    assert list(nn.ParameterDict(pairs.items())) == ["b", "a"]
    assert "(a): Parameter containing: [tallow.FloatTensor of size 2]" in repr(nn.ParameterDict(pairs))
    assert "(0): Parameter containing: [tallow.float32 of size 2]" in repr(nn.ParameterList([tallow.ones(2)]))


class _Doubled(nn.Module):
    """Gives its input times two inside a container."""

    def __init__(self, container):
        super().__init__()
        self.container = container

    def forward(self, x):
        return self.container(x * 2)


@pytest.mark.parametrize("container", [lambda y: {"a": y}, lambda y: [y]])
def test_full_backward_hooks_need_tensors(container):
    module, seen = _Doubled(container), []
    module.register_full_backward_hook(lambda *arguments: seen.append(arguments))
    x = tallow.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="output should be a Tensor or a tuple of Tensors but received <class '"):
        result = module(x)
    (result["a"] if isinstance(result, dict) else result[0]).backward()
    assert not seen and x.grad.tolist() == [2]


def test_full_backward_hooks_without_gradients_of_inputs_warn():
    module, seen = nn.Linear(1, 1), []
    module.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append(grad_input))
    with pytest.warns(UserWarning, match="since no inputs require gradients"):
        module(tallow.ones(1, 1)).sum().backward()
    assert seen == [(None,)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module(tallow.ones(1, 1, requires_grad=True)).sum().backward()
