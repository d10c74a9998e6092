"""Modules that learn their sizes from the first input."""

import copy
import pickle

import pytest

import tallow
from tallow import nn

LAYERS = [
    (lambda: nn.LazyLinear(3), nn.Linear, (2, 5)),
    (lambda: nn.LazyConv1d(4, 2, groups=2), nn.Conv1d, (2, 6, 5)),
    (lambda: nn.LazyConv2d(4, 2, padding=1), nn.Conv2d, (2, 3, 5, 5)),
    (lambda: nn.LazyConv3d(4, (1, 2, 2)), nn.Conv3d, (2, 3, 3, 4, 4)),
    (lambda: nn.LazyConvTranspose1d(4, 2), nn.ConvTranspose1d, (2, 3, 5)),
    (lambda: nn.LazyConvTranspose2d(4, 2, output_padding=1, stride=2), nn.ConvTranspose2d, (2, 3, 5, 5)),
    (lambda: nn.LazyConvTranspose3d(4, 2), nn.ConvTranspose3d, (2, 3, 2, 3, 3)),
]


@pytest.mark.parametrize(("make", "becomes", "shape"), LAYERS)
def test_first_call_decides(make, becomes, shape):
    module = make()
    assert module.has_uninitialized_params()
    assert repr(module.weight) == "<UninitializedParameter>"
    keys = list(module.state_dict())
    out = module(tallow.randn(*shape))
    assert type(module) is becomes
    assert type(module.weight) is nn.Parameter
    assert not hasattr(module, "_initialize_hook")
    assert list(module.state_dict()) == keys
    assert tallow.equal(module(tallow.zeros(shape)), module(tallow.zeros(shape)))
    out.sum().backward()
    assert all(p.grad is not None for p in module.parameters())


@pytest.mark.parametrize(("make", "becomes", "shape"), LAYERS)
def test_loading_gives_the_shapes(make, becomes, shape):
    trained = make()
    trained(tallow.randn(*shape))
    module = make()
    module.load_state_dict(trained.state_dict())
    assert not module.has_uninitialized_params()
    x = tallow.randn(*shape)
    assert tallow.equal(module(x), trained(x))
    assert type(module) is becomes


def test_lazy_into_lazy_stays_lazy():
    module = nn.LazyLinear(3)
    module.load_state_dict(nn.LazyLinear(3).state_dict())
    assert module.has_uninitialized_params()


def test_lazy_into_ordinary_is_an_error():
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter"):
        nn.Linear(2, 3).load_state_dict(nn.LazyLinear(3).state_dict())


def test_copies_and_pickles_before_the_first_call():
    for module in (copy.deepcopy(nn.LazyLinear(3)), pickle.loads(pickle.dumps(nn.LazyLinear(3)))):
        assert module.has_uninitialized_params()
        assert tuple(module(tallow.ones(1, 4)).shape) == (1, 3)


def test_casts_and_moves_before_the_first_call():
    module = nn.LazyLinear(3).double()
    assert module.has_uninitialized_params()
    assert module(tallow.ones(1, 4, dtype=tallow.float64)).dtype == tallow.float64
    assert nn.LazyLinear(3, dtype=tallow.float64).to(tallow.float16).weight.dtype == tallow.float16
    meta = nn.LazyLinear(3).to("meta")
    assert meta.weight.device.type == "meta"


def test_uninitialized_parameters_cannot_be_used():
    p = nn.UninitializedParameter()
    for use in (lambda: p + 1, lambda: 2 * p, lambda: p @ p, lambda: p[0], lambda: p.sum(), lambda: p.size()):
        with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
            use()
    with pytest.raises(RuntimeError, match="Can't access the shape"):
        _ = p.shape
    with pytest.raises(RuntimeError, match="Can't share memory"):
        p.share_memory_()
    with pytest.raises(AttributeError):
        _ = p.nothing


def test_buffers():
    buffer = nn.UninitializedBuffer(persistent=False)
    module = nn.Module()
    module.mean = buffer
    assert list(module.state_dict()) == []
    buffer.materialize((3,), dtype=tallow.float64)
    assert tuple(module.mean.shape) == (3,)
    assert module.mean.dtype == tallow.float64


def test_own_module():
    class Scale(nn.modules.lazy.LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.UninitializedParameter()

        def initialize_parameters(self, x, times=1):
            self.factor.materialize(x.shape[-1:])
            nn.init.constant_(self.factor, times)

        def forward(self, x, times=1):
            return x * self.factor

    module = Scale()
    assert module(tallow.ones(2, 3), times=4).sum().item() == 24
    assert type(module) is Scale
    assert not module._hooked or module(tallow.ones(2, 3)) is not None
    assert not module._hooked  # the short way again


def test_errors():
    class Forgetful(nn.modules.lazy.LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            pass

        def forward(self, x):
            return x

    with pytest.raises(RuntimeError, match="Forgetful has not been fully initialized"):
        Forgetful()(tallow.ones(1))
    with pytest.raises(RuntimeError, match=r"Expected 3D \(unbatched\) or 4D \(batched\) input to LazyConv2d"):
        nn.LazyConv2d(2, 1)(tallow.ones(2, 2))
    with pytest.raises(ValueError, match="in_channels must be divisible by groups"):
        nn.LazyConv1d(4, 1, groups=2)(tallow.ones(2, 3, 5))
