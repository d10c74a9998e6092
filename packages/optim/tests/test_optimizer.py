"""The Optimizer base: groups, checks, hooks, state dicts, copies."""

import copy
import pickle

import pytest

import tallow
from tallow import optim
from tallow.optim import SGD, Adam, AdamW, Optimizer
from tallow.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)
from weights import weight


def test_group_layout():
    w = weight([1.0])
    (group,) = SGD([w], lr=0.1).param_groups
    assert group == {
        "params": [w], "lr": 0.1, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False,
        "maximize": False, "foreach": None, "differentiable": False, "fused": None,
    }  # fmt: skip


def test_names():
    opt = SGD([("a", weight([1.0])), ("b", weight([1.0]))])
    assert opt.param_groups[0]["param_names"] == ["a", "b"]
    with pytest.raises(ValueError, match="with/without names"):
        opt.add_param_group({"params": weight([1.0])})


def test_repr():
    assert repr(SGD([weight([1.0])], lr=0.5)).startswith("SGD (\nParameter Group 0\n    dampening: 0\n")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda w: SGD([]), ValueError, "optimizer got an empty parameter list"),
        (lambda w: SGD(w), TypeError, "should be an iterable of Tensors or dicts"),
        (lambda w: SGD([3]), TypeError, "optimizer can only optimize Tensors, but one of the params is int"),
        (lambda w: SGD([{"params": {w}}]), TypeError, "ordered collections"),
        (lambda w: SGD([{"params": [w]}, {"params": [w]}]), ValueError, "more than one parameter group"),
        (lambda w: SGD([w], lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda w: Adam([w], lr="0.1"), TypeError, "not supported between instances of 'float' and 'str'"),
        (lambda w: SGD([w], lr=tallow.ones(2)), ValueError, "Tensor lr must be 1-element"),
        (lambda w: SGD([w], momentum=-1), ValueError, "Invalid momentum value: -1"),
        (lambda w: SGD([w], weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (lambda w: SGD([w], nesterov=True), ValueError, "Nesterov momentum requires a momentum and zero dampening"),
        (lambda w: SGD([w], fused=True, foreach=True), RuntimeError, "cannot be `True` together"),
        (lambda w: SGD([w], fused=True, differentiable=True), RuntimeError, "does not support `differentiable`"),
        (lambda w: Adam([w], betas=(2, 0.9)), ValueError, "Invalid beta parameter at index 0: 2"),
        (lambda w: Adam([w], eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda w: Optimizer([w], {"rate": required}), ValueError, "required optimization parameter rate"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make(weight([1.0]))


def test_duplicates_are_warned_of():
    w = weight([1.0])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        SGD([w, w])


def test_zero_grad():
    w, none = weight([1.0], [2.0]), weight([1.0])
    opt = SGD([w, none])
    opt.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0] and none.grad is None
    opt.zero_grad()
    assert w.grad is None


def test_closure_runs_with_gradients_enabled():
    w = weight([1.0], [1.0])

    def closure():
        assert tallow.is_grad_enabled()
        return 3.5

    with tallow.no_grad():
        assert SGD([w], lr=1.0).step(closure) == 3.5
    assert w.item() == 0 and tallow.is_grad_enabled()


def test_state_dict_layout():
    w, idle = weight([1.0], [1.0]), weight([1.0])
    opt = AdamW([idle, w], amsgrad=True)
    assert opt.state_dict()["state"] == {}
    opt.step()
    state = opt.state_dict()
    assert list(state["state"]) == [1] and state["param_groups"][0]["params"] == [0, 1]
    assert set(state["state"][1]) == {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"}
    assert state["state"][1]["step"].item() == 1 and state["state"][1]["step"].dtype == tallow.float32


def test_loading_casts_to_the_parameter():
    w = weight([1.0], [1.0])
    source = Adam([w])
    source.step()
    opt = Adam([weight([1.0], dtype=tallow.float32)], lr=9.0)
    opt.load_state_dict(source.state_dict())
    (state,) = opt.state.values()
    assert state["exp_avg"].dtype == tallow.float32 and state["step"].dtype == tallow.float32
    assert opt.param_groups[0]["lr"] == 1e-3
    source.step()
    assert state["step"].item() == 1  # a copy


@pytest.mark.parametrize(
    ("groups", "message"),
    [([], "different number of parameter groups"), ([{"params": [0, 1]}], "doesn't match the size")],
)
def test_loading_what_does_not_fit(groups, message):
    with pytest.raises(ValueError, match=message):
        SGD([weight([1.0])]).load_state_dict({"state": {}, "param_groups": groups})


def test_step_hooks():
    seen = []
    opt = SGD([weight([1.0])])
    opt.register_step_pre_hook(lambda o, args, kwargs: seen.append("pre"))
    handle = opt.register_step_post_hook(lambda o, args, kwargs: seen.append("post"))
    with (
        register_optimizer_step_pre_hook(lambda o, a, k: seen.append("global pre")),
        register_optimizer_step_post_hook(lambda o, a, k: seen.append("global post")),
    ):
        opt.step()
    handle.remove()
    opt.step()
    assert seen == ["global pre", "pre", "post", "global post", "pre"]


def test_step_hooks_get_and_replace_the_arguments_of_step():
    opt, seen = SGD([weight([1.0])]), []
    handle = opt.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 7.0), {}))
    opt.register_step_post_hook(lambda o, args, kwargs: seen.append((args[0] is o, len(args), kwargs)))
    assert opt.step() == 7.0
    handle.remove()
    opt.step(closure=None)
    assert seen == [(True, 2, {}), (True, 1, {"closure": None})]
    opt.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3"):
        opt.step()


def test_zero_grad_keeps_the_gradients_tensor():
    w = weight([1.0])
    w.grad = grad = tallow.ones(1)
    SGD([w]).zero_grad(set_to_none=False)
    assert w.grad is grad and grad.tolist() == [0]


def test_step_hooks_run_once_through_super():
    class Derived(SGD):
        def step(self, closure=None):
            return super().step(closure)

    seen = []
    opt = Derived([weight([1.0])])
    opt.register_step_post_hook(lambda o, a, k: seen.append(1))
    opt.step()
    assert seen == [1]


def test_state_dict_hooks():
    opt, seen = SGD([weight([1.0])]), []
    opt.register_state_dict_pre_hook(lambda o: seen.append("pre"))
    opt.register_state_dict_post_hook(lambda o, state: {**state, "extra": 1})
    opt.register_load_state_dict_pre_hook(lambda o, state: {k: v for k, v in state.items() if k != "extra"})
    opt.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    state = opt.state_dict()
    assert state["extra"] == 1
    opt.load_state_dict(state)
    assert seen == ["pre", "loaded"]


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies(clone):
    w = weight([1.0], [1.0])
    opt = SGD([w], lr=0.1, momentum=0.9)
    opt.step()
    other = clone(opt)
    (p,) = other.param_groups[0]["params"]
    p.grad = tallow.ones(1, dtype=tallow.float64)
    other.step()
    assert p.item() == pytest.approx(0.9 - 0.19) and w.item() == pytest.approx(0.9)


def test_a_third_partys_optimizer():
    class Sign(Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(p.grad.sign() * group["lr"])

    w = weight([1.0], [5.0])
    Sign([w], 0.25).step()
    assert w.item() == 0.75


def test_public_names():
    assert {"SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"} <= set(optim.__all__)
