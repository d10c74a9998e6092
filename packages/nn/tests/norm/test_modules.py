"""The modules of normalisation: state, modes, shapes, conversions."""

import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def close(a, b, tolerance=1e-5):
    assert a.shape == b.shape and (a - b).abs().max().item() <= tolerance


STATS = ["running_mean", "running_var", "num_batches_tracked"]


@pytest.mark.parametrize(
    ("module", "keys"),
    [
        (nn.BatchNorm1d(2), ["weight", "bias", *STATS]),
        (nn.BatchNorm3d(2, affine=False), STATS),
        (nn.BatchNorm2d(2, track_running_stats=False, bias=False), ["weight"]),
        (nn.SyncBatchNorm(2), ["weight", "bias", *STATS]),
        (nn.InstanceNorm2d(2), []),
        (nn.InstanceNorm2d(2, affine=True, track_running_stats=True), ["weight", "bias", *STATS]),
        (nn.LayerNorm(2), ["weight", "bias"]),
        (nn.LayerNorm((2, 3), bias=False), ["weight"]),
        (nn.RMSNorm(2), ["weight"]),
        (nn.RMSNorm(2, elementwise_affine=False), []),
        (nn.GroupNorm(1, 2), ["weight", "bias"]),
        (nn.GroupNorm(1, 2, bias=False), ["weight"]),
        (nn.LocalResponseNorm(2), []),
    ],
)
def test_state_names(module, keys):
    assert list(module.state_dict()) == keys


@pytest.mark.parametrize(
    ("module", "shapes", "message"),
    [
        (nn.BatchNorm1d(2), [(3, 2), (3, 2, 4)], "expected 2D or 3D input"),
        (nn.BatchNorm3d(2), [(3, 2, 2, 2, 2)], "expected 5D input"),
        (nn.SyncBatchNorm(2), [(3, 2), (3, 2, 4, 5)], "expected at least 2D input"),
        (nn.InstanceNorm1d(2), [(2, 4), (3, 2, 4)], "expected 2D or 3D input"),
        (nn.InstanceNorm2d(2), [(2, 4, 3), (3, 2, 4, 3)], "expected 3D or 4D input"),
        (nn.InstanceNorm3d(2), [(2, 4, 3, 2), (3, 2, 4, 3, 2)], "expected 4D or 5D input"),
    ],
)
def test_dimensions(module, shapes, message):
    for shape in shapes:
        assert tuple(module(tallow.randn(shape)).shape) == shape
    with pytest.raises(ValueError, match=message):
        module(tallow.randn(2))


def test_instance_norm_without_a_batch():
    x, m = tallow.randn(3, 5, 5), nn.InstanceNorm2d(3, affine=True)
    close(m(x), m(x.unsqueeze(0))[0])
    with pytest.raises(ValueError, match=r"expected input's size at dim=0 to match num_features \(3\), but got: 2"):
        m(x[:2])
    with pytest.warns(UserWarning, match="does not match num_features"):
        nn.InstanceNorm2d(4)(x)


def test_instance_norm_modes():
    x, m = tallow.randn(2, 3, 8), nn.InstanceNorm1d(3, track_running_stats=True, momentum=0.5)
    close(m(x), F.instance_norm(x))
    close(m.running_mean, 0.5 * x.mean((0, 2)))
    m.eval()
    close(m(x), F.batch_norm(x, m.running_mean, m.running_var))


def test_old_states_of_instance_norm_are_explained():
    m = nn.InstanceNorm1d(3)
    with pytest.raises(RuntimeError, match="Unexpected running stats buffer"):
        m.load_state_dict({"running_mean": tallow.zeros(3)})


def test_conversion_to_sync_batch_norm():
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Sequential(nn.BatchNorm1d(3, affine=False)))
    x = tallow.randn(6, 4)
    net(x)
    expected = net.eval()(x)
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(net, process_group="group")
    assert converted is net and [type(m) for m in (net[1], net[2][0])] == [nn.SyncBatchNorm] * 2
    assert net[1].process_group == "group" and net[2][0].weight is None and not net[1].training
    close(net(x), expected)
    single = nn.BatchNorm2d(2, bias=False)
    assert nn.SyncBatchNorm.convert_sync_batchnorm(single).weight is single.weight
    with pytest.raises(ValueError, match="number of input channels should be non-zero"):
        nn.SyncBatchNorm(2)(tallow.zeros(2, 0))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(2, 4, 3), (2, 4, 3, 2), (1, 6, 2, 1, 2)])
def test_local_response_norm(size, shape):
    x, (alpha, beta, k) = tallow.randn(shape), (0.3, 0.6, 1.5)
    squares = tallow.zeros(shape)
    for c in range(shape[1]):
        first, last = max(0, c - size // 2), min(shape[1] - 1, c + (size - 1) // 2)
        squares[:, c] = (x[:, first : last + 1] ** 2).sum(1) / size
    close(nn.LocalResponseNorm(size, alpha, beta, k)(x), x / (k + alpha * squares) ** beta)


@pytest.mark.parametrize("size", [1, 3, 4, 5])
def test_cross_map_response_norm(size):
    x, reach = tallow.randn(2, 6, 3, 2, requires_grad=True), (size - 1) // 2
    windows = [{0, *range(max(0, c - reach), min(6, c + reach + 1))} if c else {*range(reach + 1)} for c in range(6)]
    sums = tallow.stack([sum(x[:, k] ** 2 for k in window) for window in windows], 1)
    y = nn.CrossMapLRN2d(size, alpha=0.5, beta=0.75, k=2)(x)
    close(y, x * (2 + 0.5 / size * sums) ** -0.75)
    y.sum().backward()
    assert x.grad.shape == x.shape
    with pytest.raises(ValueError, match="4D"):
        nn.CrossMapLRN2d(size)(x[0])


def test_normalize():
    x = tallow.randn(3, 4)
    close(F.normalize(x), x / (x * x).sum(1, keepdim=True).sqrt())
    close(F.normalize(x, p=1, dim=0), x / x.abs().sum(0, keepdim=True))
    assert F.normalize(tallow.zeros(2, 2)).tolist() == [[0, 0], [0, 0]]
    out = tallow.empty(3, 4)
    assert F.normalize(x, out=out) is out
    close(out, F.normalize(x))


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.LayerNorm(3), "LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True)"),
        (nn.RMSNorm((2, 3)), "RMSNorm((2, 3), eps=None, elementwise_affine=True)"),
        (nn.GroupNorm(1, 3), "GroupNorm(1, 3, eps=1e-05, affine=True, bias=True)"),
        (nn.LocalResponseNorm(2), "LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)"),
        (
            nn.InstanceNorm1d(3),
            "InstanceNorm1d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)",
        ),
    ],
)
def test_repr(module, text):
    assert repr(module) == text
