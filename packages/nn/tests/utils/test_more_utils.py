"""functional_call, fusion, clipping in one pass and the rest of nn.utils."""

import math

import pytest

import tallow
from tallow import nn
from tallow.nn.utils import stateless


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


# -- functional_call --------------------------------------------------------------------------------------------------


def test_functional_call():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    own = net[0].weight
    weight = tallow.ones(2, 2, requires_grad=True)
    x = tallow.ones(3, 2)
    out = stateless.functional_call(net, {"0.weight": weight}, x)
    assert tallow.allclose(out, net[1](x @ weight.t() + net[0].bias))
    out.sum().backward()
    assert weight.grad is not None
    assert net[0].weight is own
    assert own.grad is None
    both = stateless.functional_call(net, [{"0.weight": weight}, {"1.bias": tallow.ones(1)}], (x,))
    assert tuple(both.shape) == (3, 1)


def test_functional_call_restores_after_an_error():
    net = nn.Linear(2, 2)
    own = net.weight
    with pytest.raises(RuntimeError):
        stateless.functional_call(net, {"weight": tallow.ones(2, 3)}, tallow.ones(1, 2))
    assert net.weight is own


def test_functional_call_buffers():
    norm = nn.BatchNorm1d(2)
    buffers = {"running_mean": tallow.zeros(2)}
    stateless.functional_call(norm, buffers, tallow.ones(4, 2))
    assert buffers["running_mean"].tolist() == pytest.approx([0.1, 0.1])
    assert norm.running_mean.tolist() == [0.0, 0.0]


def test_functional_call_tied():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Parameter(tallow.ones(1))
            self.b = self.a

        def forward(self):
            return self.a + self.b

    net = Tied()
    two = tallow.full((1,), 2.0)
    assert stateless.functional_call(net, {"a": two}).item() == 4
    assert stateless.functional_call(net, {"a": two}, tie_weights=False).item() == 3
    with pytest.raises(ValueError, match="multiple values for keys"):
        stateless.functional_call(net, {"a": two, "b": tallow.ones(1)})


def test_functional_call_errors():
    net = nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\): 'c'.\n\tMissing key\(s\): 'bias'"):
        stateless.functional_call(net, {"weight": net.weight, "c": net.weight}, tallow.ones(1, 2), strict=True)
    with pytest.raises(ValueError, match="appeared in multiple dictionaries"):
        stateless.functional_call(net, ({"bias": net.bias}, {"bias": net.bias}), tallow.ones(1, 2))


# -- fusion -----------------------------------------------------------------------------------------------------------


def trained_norm(norm, shape):
    for _ in range(3):
        norm(tallow.randn(*shape) * 2 + 1)
    with tallow.no_grad():
        norm.weight.uniform_(0.5, 2)
        norm.bias.normal_()
    return norm.eval()


@pytest.mark.parametrize("bias", [True, False])
def test_fuse_conv(bias):
    conv = nn.Conv2d(3, 4, 3, bias=bias).eval()
    norm = trained_norm(nn.BatchNorm2d(4), (8, 4, 5, 5))
    x = tallow.randn(2, 3, 6, 6)
    fused = nn.utils.fuse_conv_bn_eval(conv, norm)
    assert tallow.allclose(fused(x), norm(conv(x)), atol=1e-5)
    assert fused.bias.requires_grad is bias
    up = nn.ConvTranspose2d(3, 4, 3, bias=bias).eval()
    assert tallow.allclose(nn.utils.fuse_conv_bn_eval(up, norm, transpose=True)(x), norm(up(x)), atol=1e-5)
    with pytest.raises(AssertionError, match="Fusion only for eval"):
        nn.utils.fuse_conv_bn_eval(nn.Conv2d(3, 4, 3), norm)


def test_fuse_linear():
    linear, norm = nn.Linear(3, 4).eval(), trained_norm(nn.BatchNorm1d(4), (8, 4))
    x = tallow.randn(5, 3)
    assert tallow.allclose(nn.utils.fuse_linear_bn_eval(linear, norm)(x), norm(linear(x)), atol=1e-5)
    with pytest.raises(AssertionError, match="out_features=3 and bn.num_features=4"):
        nn.utils.fuse_linear_bn_eval(nn.Linear(3, 3).eval(), norm)


# -- clipping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64])
def test_total_norm_in_one_pass(dtype):
    tensors = [tallow.randn(n, dtype=dtype) for n in (1, 0, 33, 70_000, 200_001)]
    wanted = math.sqrt(sum((t.double() ** 2).sum().item() for t in tensors))
    total = nn.utils.get_total_norm(tensors)
    assert total.dtype == dtype
    assert total.item() == pytest.approx(wanted, rel=1e-6)
    results = []
    before = tallow.get_num_threads()
    for threads in (1, 2):
        tallow.set_num_threads(threads)
        results.append(nn.utils.get_total_norm(tensors))
    tallow.set_num_threads(before)
    assert tallow.equal(*results)


def test_clipping():
    params = [nn.Parameter(tallow.zeros(n)) for n in (3, 100_000)] + [nn.Parameter(tallow.zeros(2, 3).t())]
    for p in params:
        p.grad = tallow.randn(p.shape)
    wanted = [p.grad.clone() for p in params]
    total = nn.utils.clip_grad_norm_(params, 1.0)
    for p, before in zip(params, wanted, strict=True):
        assert tallow.allclose(p.grad, before / total, rtol=1e-4)
    versions = [p.grad._version for p in params]
    assert all(v > 0 for v in versions)
    nn.utils.clip_grad_norm_(params, 100.0)
    assert nn.utils.get_total_norm([p.grad for p in params]).item() == pytest.approx(1, rel=1e-4)


def test_clipping_mixed():
    half, strided = nn.Parameter(tallow.zeros(4, dtype=tallow.bfloat16)), nn.Parameter(tallow.zeros(4))
    half.grad, strided.grad = tallow.ones(4, dtype=tallow.bfloat16), tallow.ones(8)[::2]
    assert nn.utils.clip_grad_norm_([half, strided], 1.0).item() == pytest.approx(math.sqrt(8), rel=1e-2)
    with pytest.warns(FutureWarning, match="deprecated"):
        nn.utils.clip_grad_norm([half], 1.0)
    with pytest.warns(UserWarning, match="empty generator"):
        nn.utils.clip_grad_norm_((p for p in ()), 1.0)


# -- the rest ---------------------------------------------------------------------------------------------------------


def test_skip_init():
    layer = nn.utils.skip_init(nn.Linear, 3, 2, dtype=tallow.float64)
    assert layer.weight.device.type == "cpu"
    assert layer.weight.dtype == tallow.float64
    with pytest.raises(RuntimeError, match="Expected a Module"):
        nn.utils.skip_init(dict)
    with pytest.raises(RuntimeError, match="must support a 'device' arg"):
        nn.utils.skip_init(nn.ReLU)


def test_memory_format():
    net = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Conv3d(2, 3, 2), nn.Linear(2, 2))
    nn.utils.convert_conv2d_weight_memory_format(net, tallow.channels_last)
    nn.utils.convert_conv3d_weight_memory_format(net, tallow.channels_last_3d)
    assert net[0].weight.is_contiguous(memory_format=tallow.channels_last)
    assert net[1].weight.is_contiguous(memory_format=tallow.channels_last_3d)
    assert isinstance(net[0].weight, nn.Parameter)
