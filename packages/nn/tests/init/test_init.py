"""nn.init: the distributions' parameters, and structure."""

import math

import pytest

import tallow
from tallow import nn
from tallow.nn import init


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def spread(t):
    return t.mean().item(), t.std().item(), t.min().item(), t.max().item()


def test_constants():
    t = tallow.empty(3, 2)
    assert init.zeros_(t) is t and not t.any()
    assert init.ones_(t).sum().item() == 6 and init.constant_(t, 2.5).sum().item() == 15
    assert init.eye_(t).tolist() == [[1, 0], [0, 1], [0, 0]]
    w = init.dirac_(tallow.empty(4, 2, 3, 3), groups=2)
    assert w.sum().item() == 4 and w[3, 1, 1, 1].item() == 1


def test_uniform_and_normal():
    t = tallow.empty(200, 200)
    mean, _, low, high = spread(init.uniform_(t, -2, 4))
    assert abs(mean - 1) < 0.05 and -2 <= low < -1.9 and 3.9 < high <= 4
    mean, std, *_ = spread(init.normal_(t, 1, 3))
    assert abs(mean - 1) < 0.1 and abs(std - 3) < 0.1
    mean, _, low, high = spread(init.trunc_normal_(t, 0.5, 1, -1, 1))
    assert low >= -1 and high <= 1 and abs(mean - 0.1437) < 0.02


def test_xavier_and_kaiming():
    t = tallow.empty(300, 100, 2, 2)
    assert abs(init.xavier_uniform_(t).max().item() - math.sqrt(6 / 1600)) < 1e-3
    assert abs(init.xavier_normal_(t, 2).std().item() - 2 * math.sqrt(2 / 1600)) < 1e-3
    assert abs(init.kaiming_uniform_(t, nonlinearity="relu").max().item() - math.sqrt(6 / 400)) < 1e-3
    assert abs(init.kaiming_normal_(t, mode="fan_out").std().item() - math.sqrt(2 / 1200)) < 1e-3


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 3)])
def test_orthogonal(shape):
    t = init.orthogonal_(tallow.empty(*shape), gain=2).flatten(1)
    product = t @ t.t() if t.size(0) <= t.size(1) else t.t() @ t
    assert (product - 4 * tallow.eye(min(t.shape))).abs().max().item() < 1e-4


def test_sparse():
    t = init.sparse_(tallow.empty(10, 4), 0.3)
    assert (t == 0).sum(0).tolist() == [3, 3, 3, 3]


def test_generator():
    a = init.normal_(tallow.empty(4), generator=tallow.Generator().manual_seed(3))
    b = init.normal_(tallow.empty(4), generator=tallow.Generator().manual_seed(3))
    assert tallow.equal(a, b)


def test_parameters_stay_leaves():
    p = nn.Parameter(tallow.empty(3, 3))
    init.orthogonal_(init.xavier_uniform_(p))
    assert p.is_leaf and p.requires_grad


def test_gain():
    assert init.calculate_gain("leaky_relu", 1) == 1 and init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("conv2d") == 1 and init.calculate_gain("selu") == 0.75


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: init.calculate_gain("x"), "Unsupported nonlinearity x"),
        (lambda: init.calculate_gain("leaky_relu", True), "not a valid number"),
        (lambda: init.xavier_uniform_(tallow.empty(3)), "fewer than 2 dimensions"),
        (lambda: init.eye_(tallow.empty(3)), "Only tensors with 2 dimensions"),
        (lambda: init.kaiming_normal_(tallow.empty(2, 2), mode="x"), "Mode x not supported"),
        (lambda: init.orthogonal_(tallow.empty(3)), "2 or more dimensions"),
        (lambda: init.dirac_(tallow.empty(3, 2, 2), groups=2), "divisible by groups"),
    ],
)
def test_errors(act, message):
    with pytest.raises(ValueError, match=message):
        act()


@pytest.mark.parametrize(("a", "b"), [(-2.0, 2.0), (3.0, 4.0), (-9.0, -8.0), (-0.1, 0.1)])
@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
def test_truncated_normal_keeps_its_bounds_and_mean(a, b):
    x = nn.init.trunc_normal_(tallow.empty(20_000), a=a, b=b)
    assert a <= x.min().item() <= x.max().item() <= b

    def density(v):
        return math.exp(-v * v / 2)

    grid = [a + (b - a) * (i + 0.5) / 1000 for i in range(1000)]
    wanted = sum(v * density(v) for v in grid) / sum(density(v) for v in grid)
    assert x.mean().item() == pytest.approx(wanted, abs=0.03)


def test_old_names_warn():
    with pytest.warns(FutureWarning, match="`nn.init.uniform` is now deprecated in favor of `nn.init.uniform_`"):
        assert nn.init.uniform(tallow.zeros(2), 1.0, 2.0).min().item() >= 1
