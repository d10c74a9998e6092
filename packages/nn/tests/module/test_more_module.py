"""What modules have beyond the basics: conversions, hooks of the old form, arguments of the constructor."""

import pytest

import tallow
from tallow import nn


def test_memory_format():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(2, 2)).to(memory_format=tallow.channels_last)
    assert module[0].weight.is_contiguous(memory_format=tallow.channels_last)
    assert module[1].weight.is_contiguous()
    assert module.to("cpu", tallow.float64)[0].weight.dtype == tallow.float64
    assert module.to(tensor=tallow.ones(1, dtype=tallow.float16))[0].weight.dtype == tallow.float16


def test_meta_needs_to_empty():
    module = nn.Linear(2, 2, device="meta")
    with pytest.raises(NotImplementedError, match=r"no data! Please use tallow.nn.Module.to_empty\(\)"):
        module.to("cpu")
    assert module.to_empty(device="cpu").weight.device.type == "cpu"


def test_parameter_dict_updates():
    with pytest.raises(ValueError, match="element #0 has length 1; 2 is required"):
        nn.ParameterDict([("a",)])
    with pytest.raises(TypeError, match="element #0 should be Iterable; is int"):
        nn.ParameterDict([3])
    with pytest.raises(TypeError, match="not a string .type is 'int'"):
        nn.ParameterDict()[3] = tallow.ones(1)


def test_share_memory():
    module = nn.BatchNorm1d(2).share_memory()
    assert module.weight.is_shared()
    assert module.running_mean.is_shared()


def test_compile_leaves_the_module_as_it_is():
    layer = nn.Linear(2, 2)
    layer.compile(mode="default", fullgraph=True)
    assert layer(tallow.ones(1, 2)).shape == (1, 2) and "forward" not in vars(layer)


def test_constructor_arguments():
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        nn.Module(1)
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'a'"):
        nn.Module(a=1)

    class Base:
        def __init__(self, a):
            self.a = a

    class Both(nn.Module, Base):
        call_super_init = True

        def __init__(self, a):
            super().__init__(a)

    assert Both(3).a == 3


def test_state_dict_by_position():
    module = nn.Linear(1, 1)
    with pytest.warns(FutureWarning, match="Positional args"):
        assert list(module.state_dict({}, "a.")) == ["a.weight", "a.bias"]


def test_hooks_of_the_old_form():
    module, seen = nn.Linear(2, 3), []
    handle = module.register_backward_hook(lambda m, grad_in, grad_out: seen.append(grad_out))
    module(tallow.ones(4, 2)).sum().backward()
    assert len(seen) == 1
    assert tuple(seen[0][0].shape) == (4, 3)
    handle.remove()
    module(tallow.ones(4, 2)).sum().backward()
    assert len(seen) == 1
    with pytest.raises(RuntimeError, match="both regular backward hooks and full backward hooks on a single Module"):
        module.register_full_backward_hook(lambda *_: None)


def test_a_failing_hook_after_a_failure_is_a_warning():
    class Broken(nn.Module):
        def forward(self):
            raise ValueError("forward")

    def hook(*_):
        raise KeyError("hook")

    module = Broken()
    module.register_forward_hook(hook, always_call=True)
    with pytest.warns(UserWarning, match="silenced"), pytest.raises(ValueError, match="forward"):
        module()


def test_the_short_way_after_the_last_hook():
    module = nn.Identity()
    handle = module.register_forward_hook(lambda m, args, out: out + 1)
    assert module(1) == 2
    handle.remove()
    assert module(1) == 1
    assert not module._hooked


def test_loading_into_meta_warns():
    source = nn.Linear(2, 2)
    with pytest.warns(UserWarning, match="which is a no-op"):
        nn.Linear(2, 2, device="meta").load_state_dict(source.state_dict())
    module = nn.Linear(2, 2, device="meta")
    module.load_state_dict(source.state_dict(), assign=True)
    assert tallow.equal(module.weight, source.weight)


def test_incompatible_keys():
    result = nn.Linear(1, 1).load_state_dict({"weight": tallow.ones(1, 1), "a": tallow.ones(1)}, strict=False)
    assert repr(result) == "_IncompatibleKeys(missing_keys=['bias'], unexpected_keys=['a'])"


def test_more_containers():
    net = nn.Sequential(nn.Identity(), nn.Tanh())
    net *= 2
    assert list(net._modules) == ["0", "1", "2", "3"]
    with pytest.raises(ValueError, match="only objects of Sequential class"):
        net += [nn.Identity()]
    for container in (nn.ParameterList(), nn.ParameterDict()):
        with pytest.raises(RuntimeError, match="should not be called"):
            container(1)
    left, right = nn.ParameterDict({"a": tallow.ones(1)}), {"b": tallow.ones(2)}
    assert list(left | right) == ["a", "b"]
    assert list(right | left) == ["b", "a"]
    left |= right
    assert list(left) == ["a", "b"]
