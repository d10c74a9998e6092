"""Hooks of modules: order, what they may replace, removal, backward."""

import copy

import pytest

import tallow
from tallow import nn
from tallow.nn.modules import module as global_hooks


class Affine(nn.Module):
    def forward(self, x, *, shift=0.0):
        return x * 2 + shift


def test_forward_hooks_replace_arguments_and_result():
    m = Affine()
    m.register_forward_pre_hook(lambda mod, args: args[0] + 1)
    m.register_forward_hook(lambda mod, args, out: out * 10)
    assert m(tallow.ones(1)).item() == 40


def test_hooks_with_kwargs():
    m = Affine()
    m.register_forward_pre_hook(lambda mod, args, kwargs: (args, {"shift": kwargs["shift"] + 1}), with_kwargs=True)
    m.register_forward_hook(lambda mod, args, kwargs, out: out + kwargs["shift"], with_kwargs=True)
    assert m(tallow.ones(1), shift=1.0).item() == 2 + 2 + 2


def test_bad_result_of_a_pre_hook_with_kwargs():
    m = Affine()
    m.register_forward_pre_hook(lambda mod, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="must return None or a tuple of"):
        m(tallow.ones(1))


def test_order_prepend_and_removal():
    m, seen = Affine(), []
    first = m.register_forward_hook(lambda *a: seen.append("first"))
    m.register_forward_hook(lambda *a: seen.append("second"))
    m.register_forward_hook(lambda *a: seen.append("front"), prepend=True)
    m(tallow.ones(1))
    assert seen == ["front", "first", "second"]
    first.remove()
    first.remove()
    m(tallow.ones(1))
    assert seen[3:] == ["front", "second"]


def test_always_called_hooks_see_failures():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("broken")

    m, seen = Broken(), []
    m.register_forward_hook(lambda mod, args, out: seen.append(out), always_call=True)
    m.register_forward_hook(lambda mod, args, out: seen.append("not me"))
    with pytest.raises(ValueError, match="broken"):
        m(1)
    assert seen == [None]


def test_global_hooks_run_first():
    seen = []
    m = Affine()
    m.register_forward_hook(lambda *a: seen.append("own"))
    with (
        global_hooks.register_module_forward_pre_hook(lambda mod, args: seen.append("global pre")),
        global_hooks.register_module_forward_hook(lambda mod, args, out: seen.append("global")),
    ):
        m(tallow.ones(1))
    m(tallow.ones(1))
    assert seen == ["global pre", "global", "own", "own"]


def test_registration_hooks():
    seen = []
    with (
        global_hooks.register_module_parameter_registration_hook(lambda m, n, p: seen.append(("parameter", n))),
        global_hooks.register_module_buffer_registration_hook(lambda m, n, b: seen.append(("buffer", n))),
        global_hooks.register_module_module_registration_hook(lambda m, n, c: seen.append(("module", n))),
    ):
        m = nn.Sequential(nn.Linear(1, 1, bias=False))
        m.register_buffer("b", tallow.zeros(1))
    assert seen == [("parameter", "weight"), ("module", "0"), ("buffer", "b")]


def test_full_backward_hooks_see_and_replace_gradients():
    m, seen = Affine(), {}
    m.register_full_backward_pre_hook(lambda mod, grad_out: (grad_out[0] * 3,))

    def hook(mod, grad_in, grad_out):
        seen["in"], seen["out"] = grad_in[0].item(), grad_out[0].item()
        return (grad_in[0] * 10,)

    m.register_full_backward_hook(hook)
    x = tallow.ones(1, requires_grad=True)
    m(x).backward()
    assert seen == {"in": 6.0, "out": 3.0}
    assert x.grad.item() == 60


def test_backward_hooks_with_several_inputs_and_outputs():
    class Two(nn.Module):
        def forward(self, a, b, label):
            return a * 2, b * 3, label

    m, seen = Two(), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go)))
    a = tallow.ones(1, requires_grad=True)
    x, y, label = m(a, tallow.ones(1), "label")
    assert label == "label"
    (x.sum() + y.sum()).backward()
    (grad_in, grad_out) = seen[0]
    assert grad_in[0].item() == 2 and grad_in[1:] == (None, None)
    assert grad_out[0].item() == 1 and grad_out[1:] == (None, None)


def test_backward_hook_where_only_parameters_need_gradients():
    m, seen = nn.Linear(2, 1), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go[0].item())))
    m(tallow.ones(1, 2)).sum().backward()
    assert seen == [((None,), 1.0)]
    assert m.weight.grad.tolist() == [[1, 1]]


def test_backward_hook_that_invents_gradients_is_refused():
    m = nn.Linear(2, 1)
    m.register_full_backward_hook(lambda mod, gi, go: (tallow.ones(1, 2),))
    with pytest.raises(RuntimeError, match="should always return None"):
        m(tallow.ones(1, 2)).sum().backward()


def test_wrong_number_of_gradients_is_refused():
    m = Affine()
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0], gi[0]))
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"):
        m(tallow.ones(1, requires_grad=True)).backward()


def test_backward_hooks_are_silent_without_grad():
    m = Affine()
    m.register_full_backward_hook(lambda *a: pytest.fail("called"))
    with tallow.no_grad():
        assert m(tallow.ones(1, requires_grad=True)).item() == 2


def test_hooks_are_copied_with_the_module():
    m = Affine()
    m.register_forward_hook(lambda mod, args, out: out + 1)
    assert copy.deepcopy(m)(tallow.ones(1)).item() == 3


def test_state_dict_hooks():
    m, seen = nn.Linear(1, 1), []
    m.register_state_dict_pre_hook(lambda mod, prefix, keep: seen.append(("pre", prefix)))
    m.register_state_dict_post_hook(lambda mod, state, prefix, meta: state.update(extra=1))
    assert nn.Sequential(m).state_dict()["extra"] == 1 and seen == [("pre", "0.")]


def test_load_state_dict_hooks():
    m, seen = nn.Linear(1, 1), []

    def rename(mod, state, prefix, meta, strict, missing, unexpected, errors):
        assert mod is m
        state[prefix + "weight"] = state.pop(prefix + "kernel")

    m.register_load_state_dict_pre_hook(rename)
    m.register_load_state_dict_post_hook(lambda mod, keys: seen.append(keys))
    m.load_state_dict({"kernel": tallow.full((1, 1), 7.0), "bias": tallow.zeros(1)})
    assert m.weight.item() == 7 and seen[0].missing_keys == []
