"""Module: registration, attributes, traversal, conversion, representation, copies."""

import copy
import gc
import pickle
import weakref

import pytest

import tallow
from tallow import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 3)
        self.scale = nn.Parameter(tallow.ones(3))
        self.register_buffer("mean", tallow.zeros(3))
        self.register_buffer("seen", tallow.tensor(0), persistent=False)
        self.name = "net"

    def forward(self, x):
        return self.fc(x) * self.scale + self.mean


def test_assignment_registers_by_kind():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == ["scale", "fc.weight", "fc.bias"]
    assert [n for n, _ in net.named_buffers()] == ["mean", "seen"]
    assert [n for n, _ in net.named_modules()] == ["", "fc"]
    assert [n for n, _ in net.named_children()] == ["fc"]
    assert net.name == "net"


def test_call_runs_forward():
    net = Net()
    assert tuple(net(tallow.zeros(4, 2)).shape) == (4, 3)


def test_missing_forward_names_the_class():
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'):
        nn.Module()(1)


def test_assigning_none_keeps_the_name():
    net = Net()
    net.scale = None
    assert net.scale is None and "scale" in net._parameters
    net.scale = nn.Parameter(tallow.zeros(3))
    assert net.scale.tolist() == [0, 0, 0]


def test_reassignment_changes_the_kind():
    net = Net()
    net.name = nn.Parameter(tallow.ones(1))
    assert "name" in dict(net.named_parameters()) and net.name.tolist() == [1]
    net.fc = nn.Parameter(tallow.ones(1))
    assert not list(net.children())
    net.mean = nn.Linear(1, 1)
    assert "mean" not in net._buffers


def test_buffer_attribute():
    m = nn.Module()
    m.running = nn.Buffer(tallow.zeros(2), persistent=False)
    assert [n for n, _ in m.named_buffers()] == ["running"] and not m.state_dict()
    m.running = tallow.ones(2)
    assert [n for n, _ in m.named_buffers()] == ["running"]


def test_writing_to_the_tables_is_seen_by_the_attributes():
    net = Net()
    net._parameters["scale"] = swapped = nn.Parameter(tallow.zeros(3))
    assert net.scale is swapped
    net._modules["act"] = nn.ReLU()
    assert isinstance(net.act, nn.ReLU)
    del net._parameters["scale"]
    net._buffers.pop("mean")
    assert not hasattr(net, "scale") and not hasattr(net, "mean")
    net._parameters.update(scale=swapped)
    assert net.scale is swapped and net._parameters.setdefault("scale") is swapped
    net._modules.clear()
    assert not hasattr(net, "fc") and not list(net.children())
    net._buffers = {"mean": tallow.ones(3)}
    assert net.mean.tolist() == [1, 1, 1] and not hasattr(net, "seen")
    assert net._parameters.popitem()[0] == "scale"


def test_a_dropped_module_is_freed_at_once():
    gc.disable()
    try:
        net = nn.Sequential(Net())
        freed = weakref.ref(net[0])
        del net
        assert freed() is None
    finally:
        gc.enable()


def test_a_subclass_may_delegate_attributes():
    class Wrapper(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.inner, name)

    wrapper = Wrapper(Net())
    assert wrapper.scale is wrapper.inner.scale
    assert wrapper.__getattr__("inner") is wrapper.inner


def test_shallow_copies_own_their_tables():
    net = Net()
    other = copy.copy(net)
    assert other.scale is net.scale
    other.scale = None
    assert net.scale is not None


def test_delattr():
    net = Net()
    del net.scale, net.fc, net.mean, net.seen, net.name
    assert not list(net.parameters()) and not list(net.buffers())
    with pytest.raises(AttributeError):
        del net.scale


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda m: m.register_parameter("a.b", None), KeyError, "contain"),
        (lambda m: m.register_parameter("", None), KeyError, "be empty string"),
        (lambda m: m.register_parameter(3, None), TypeError, "parameter name should be a string. Got int"),
        (lambda m: m.register_parameter("training", None), KeyError, "attribute 'training' already exists"),
        (lambda m: m.register_parameter("q", 3), TypeError, "cannot assign 'int' object to parameter 'q'"),
        (lambda m: m.register_buffer("q", 3), TypeError, "cannot assign 'int' object to buffer 'q'"),
        (lambda m: m.register_buffer("fc", None), KeyError, "attribute 'fc' already exists"),
        (lambda m: m.add_module("q", 3), TypeError, "int is not a Module subclass"),
        (lambda m: setattr(m, "scale", 3), TypeError, "cannot assign 'int' as parameter 'scale'"),
        (lambda m: setattr(m, "fc", 3), TypeError, "cannot assign 'int' as child module 'fc'"),
        (lambda m: setattr(m, "mean", 3), TypeError, "cannot assign 'int' as buffer 'mean'"),
        (lambda m: m.zork, AttributeError, "'Net' object has no attribute 'zork'"),
        (lambda m: m.get_submodule("a.b"), AttributeError, "Net has no attribute `a`"),
        (lambda m: m.get_submodule("fc.weight"), AttributeError, "`weight` is not an nn.Module"),
        (lambda m: m.get_parameter("fc.in_features"), AttributeError, "`in_features` is not an nn.Parameter"),
        (lambda m: m.get_buffer("scale"), AttributeError, "`scale` is not a buffer"),
        (lambda m: m.train(1), ValueError, "training mode is expected to be boolean"),
        (lambda m: m.to(tallow.int64), TypeError, "only accepts floating point or complex dtypes"),
        (lambda m: nn.Parameter(3), TypeError, "must be a Tensor, not int"),
    ],
)
def test_errors(act, error, message):
    with pytest.raises(error, match=message):
        act(Net())


def test_a_computed_tensor_is_no_parameter():
    scale = nn.Parameter(tallow.ones(2))
    computed = scale * 2
    with pytest.raises(TypeError, match="cannot assign"):
        Net().register_parameter("q", computed)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(lambda: nn.Parameter(tallow.ones(1)), "parameters"), (lambda: nn.Linear(1, 1), "module")],
)
def test_assignment_before_init_is_refused(value, kind):
    class Early(nn.Module):
        def __init__(self):
            self.x = value()

    with pytest.raises(AttributeError, match=f"cannot assign {kind} before Module.__init__"):
        Early()


def test_shared_parameters_are_listed_once():
    m = nn.Module()
    m.a = m.b = nn.Linear(1, 1, bias=False)
    assert [n for n, _ in m.named_parameters()] == ["a.weight"]
    assert [n for n, _ in m.named_parameters(remove_duplicate=False)] == ["a.weight", "b.weight"]
    assert [n for n, _ in m.named_modules(remove_duplicate=False)] == ["", "a", "b"]


def test_get_and_set_by_path():
    net = nn.Sequential(Net(), nn.ReLU())
    assert net.get_submodule("0.fc") is net[0].fc and net.get_submodule("") is net
    assert net.get_parameter("0.fc.weight") is net[0].fc.weight
    assert net.get_buffer("0.mean") is net[0].mean
    net.set_submodule("0.fc", nn.Identity())
    assert isinstance(net[0].fc, nn.Identity)
    with pytest.raises(AttributeError):
        net.set_submodule("0.other", nn.Identity(), strict=True)


def test_apply_visits_children_first():
    seen = []
    nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU())).apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "ReLU", "Sequential", "Sequential"]


def test_train_eval_reach_the_tree():
    net = nn.Sequential(nn.Sequential(nn.Dropout()))
    assert net.eval() is net and not net[0][0].training
    assert net.train()[0][0].training


def test_conversion_keeps_parameter_objects():
    net = Net()
    weight = net.fc.weight
    weight.grad = tallow.ones(3, 2)
    net.double()
    assert net.fc.weight is weight and weight.dtype == tallow.float64 and weight.grad.dtype == tallow.float64
    assert net.mean.dtype == tallow.float64 and net.seen.dtype == tallow.int64
    assert net.half().scale.dtype == tallow.float16
    assert net.bfloat16().scale.dtype == tallow.bfloat16
    assert net.float().scale.dtype == tallow.float32
    assert net.to("cpu", tallow.float64).scale.dtype == tallow.float64
    assert net.to(tallow.ones(1)).scale.dtype == tallow.float32
    assert net.to(device="cpu").scale.requires_grad
    assert net.type(tallow.float64).seen.dtype == tallow.float64


def test_meta_and_back():
    net = nn.Linear(2, 3, device="meta")
    assert net.weight.device.type == "meta"
    net.to_empty(device="cpu")
    assert net.weight.device.type == "cpu" and net.weight.requires_grad and tuple(net.weight.shape) == (3, 2)


def test_requires_grad_and_zero_grad():
    net = Net().requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    net.requires_grad_()
    net(tallow.ones(1, 2)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all(not p.grad.any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_repr():
    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU()))
    assert repr(net) == (
        "Sequential(\n"
        "  (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        ")"
    )
    assert repr(nn.Module()) == "Module()"
    assert repr(nn.Parameter(tallow.ones(1))).startswith("Parameter containing:\n")


def test_dir_lists_members():
    names = dir(nn.Sequential(Net()))
    assert "0" not in names and "state_dict" in names
    assert {"fc", "scale", "mean"} <= set(dir(Net()))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_independent_and_equal(clone):
    net = Net()
    net.fc.weight.requires_grad_(False)
    other = clone(net)
    assert type(other.scale) is nn.Parameter and not other.fc.weight.requires_grad
    for (name, a), (_, b) in zip(net.state_dict().items(), other.state_dict().items(), strict=True):
        assert tallow.equal(a, b), name
    with tallow.no_grad():
        other.scale.fill_(5)
    assert net.scale.tolist() == [1, 1, 1]
    assert list(dict(other.named_buffers())) == ["mean", "seen"]


def test_deepcopy_keeps_sharing():
    m = nn.Module()
    m.a = nn.Linear(2, 2)
    m.b = nn.Linear(2, 2)
    m.b.weight = m.a.weight
    other = copy.deepcopy(m)
    assert other.a.weight is other.b.weight and other.a.weight is not m.a.weight


def test_results_of_parameters_are_plain_tensors():
    p = nn.Parameter(tallow.ones(2))
    assert type(p + 1) is tallow.Tensor and type(p.detach()) is tallow.Tensor
    assert isinstance(p, tallow.Tensor) and p.is_leaf and p.requires_grad
