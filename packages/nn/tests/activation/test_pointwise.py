"""Pointwise activations against their formulas in plain Python, in both directions, in every form."""

import math

import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.autograd import gradcheck, gradgradcheck


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def hold(x, low, high):
    return min(max(x, low), high)


def elu(x, alpha=1.0, scale=1.0):
    return scale * (x if x > 0 else alpha * math.expm1(x))


SELU = (1.6732632423543772, 1.0507009873554805)
TANH = math.sqrt(2 / math.pi)

# functional form, module, formula
ROWS = [
    ("relu", nn.ReLU(), lambda x: max(x, 0.0)),
    ("relu6", nn.ReLU6(), lambda x: hold(x, 0, 6)),
    ("hardtanh", nn.Hardtanh(), lambda x: hold(x, -1, 1)),
    ("elu", nn.ELU(), elu),
    ("selu", nn.SELU(), lambda x: elu(x, *SELU)),
    ("celu", nn.CELU(), elu),
    ("leaky_relu", nn.LeakyReLU(), lambda x: x if x > 0 else 0.01 * x),
    ("rrelu", nn.RReLU().eval(), lambda x: x if x > 0 else x * (1 / 8 + 1 / 3) / 2),
    ("gelu", nn.GELU(), lambda x: x * 0.5 * math.erfc(-x / math.sqrt(2))),
    ("silu", nn.SiLU(), lambda x: x * sigmoid(x)),
    ("mish", nn.Mish(), lambda x: x * math.tanh(softplus(x))),
    ("hardswish", nn.Hardswish(), lambda x: x * hold(x + 3, 0, 6) / 6),
    ("hardsigmoid", nn.Hardsigmoid(), lambda x: hold(x + 3, 0, 6) / 6),
    ("logsigmoid", nn.LogSigmoid(), lambda x: -softplus(-x)),
    ("softplus", nn.Softplus(), lambda x: x if x > 20 else softplus(x)),
    ("hardshrink", nn.Hardshrink(), lambda x: x if abs(x) > 0.5 else 0.0),
    ("softshrink", nn.Softshrink(), lambda x: math.copysign(max(abs(x) - 0.5, 0.0), x)),
    ("tanhshrink", nn.Tanhshrink(), lambda x: x - math.tanh(x)),
    ("softsign", nn.Softsign(), lambda x: x / (1 + abs(x))),
    ("sigmoid", nn.Sigmoid(), sigmoid),
    ("tanh", nn.Tanh(), math.tanh),
]
INPLACE = [
    "relu",
    "relu6",
    "hardtanh",
    "elu",
    "selu",
    "celu",
    "leaky_relu",
    "rrelu",
    "silu",
    "mish",
    "hardswish",
    "hardsigmoid",
]
UNDERSCORE = ["relu", "hardtanh", "elu", "selu", "celu", "leaky_relu", "rrelu"]
WITH_OUT = ["gelu", "logsigmoid", "softplus", "hardshrink", "softshrink"]


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def points(dtype=tallow.float64):
    # Kinks are hit exactly; the far ends, where exponentials leave their range, too.
    ends = [-1000.0, -90.0, -30.0, 30.0, 90.0, 1000.0]
    return tallow.cat(
        [tallow.linspace(-8, 8, 161, dtype=tallow.float64), tallow.tensor(ends, dtype=tallow.float64)]
    ).to(dtype)


@pytest.mark.parametrize(("name", "module", "formula"), ROWS, ids=[r[0] for r in ROWS])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-14), ("float32", 2e-6), ("bfloat16", 2e-2), ("float16", 2e-3)]
)
def test_formula(name, module, formula, dtype, tolerance):
    x = points(getattr(tallow, dtype))
    y = getattr(F, name)(x)
    assert y.dtype == x.dtype and tallow.equal(module(x), y)
    for a, got in zip(x.tolist(), y.tolist(), strict=True):
        expected = formula(a)
        assert abs(got - expected) <= tolerance * max(1.0, abs(expected)), (a, got, expected)


@pytest.mark.parametrize(("name", "module", "formula"), ROWS, ids=[r[0] for r in ROWS])
def test_gradients(name, module, formula):
    x = (tallow.randn(3, 5, dtype=tallow.float64) * 2).requires_grad_()
    assert gradcheck(getattr(F, name), (x,))
    assert gradgradcheck(getattr(F, name), (x,))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (F.gelu, {"approximate": "tanh"}),
        (F.elu, {"alpha": 0.5}),
        (F.celu, {"alpha": 2.0}),
        (F.leaky_relu, {"negative_slope": -0.5}),
        (F.softplus, {"beta": 3.0, "threshold": 2.0}),
        (F.softshrink, {"lambd": 0.0}),
        (F.hardtanh, {"min_val": -0.2, "max_val": 3.0}),
        (F.glu, {"dim": 0}),
    ],
)
def test_gradients_with_arguments(function, arguments):
    x = (tallow.randn(4, 5, dtype=tallow.float64) * 2).requires_grad_()
    assert gradcheck(lambda t: function(t, **arguments), (x,))
    assert gradgradcheck(lambda t: function(t, **arguments), (x,))


def test_gelu_by_a_hyperbolic_tangent():
    x = points()
    for a, got in zip(x.tolist(), F.gelu(x, approximate="tanh").tolist(), strict=True):
        assert abs(got - 0.5 * a * (1 + math.tanh(TANH * (a + 0.044715 * a**3)))) < 1e-13 * max(1.0, abs(a))
    assert repr(nn.GELU("tanh")) == "GELU(approximate='tanh')"
    with pytest.raises(RuntimeError, match="approximate argument must be either none or tanh"):
        F.gelu(x, approximate="erf")


@pytest.mark.parametrize("name", INPLACE)
def test_in_place(name):
    x, leaf = tallow.randn(40), tallow.randn(40, requires_grad=True)
    expected = getattr(F, name)(x)
    y = x.clone()
    assert getattr(F, name)(y, inplace=True) is y and tallow.equal(y, expected)
    # The gradient needs the input as it was before.
    (plain,) = tallow.autograd.grad(getattr(F, name)(leaf).sum(), leaf)
    (inplace,) = tallow.autograd.grad(getattr(F, name)(leaf * 1, inplace=True).sum(), leaf)
    assert tallow.equal(plain, inplace)


@pytest.mark.parametrize("name", UNDERSCORE)
def test_underscore(name):
    x = tallow.randn(40)
    expected = getattr(F, name)(x)
    assert getattr(F, name + "_")(x) is x and tallow.equal(x, expected)


@pytest.mark.parametrize("name", WITH_OUT)
def test_out(name):
    x, out = tallow.randn(7), tallow.empty(0)
    assert getattr(F, name)(x, out=out) is out and tallow.equal(out, getattr(F, name)(x))


def test_threshold():
    x = tallow.tensor([-1.0, 0.5, 2.0])
    assert F.threshold(x, 0.5, 9).tolist() == nn.Threshold(0.5, 9)(x).tolist() == [9, 9, 2]
    y = x.clone()
    assert (
        F.threshold(y, 0.5, 9, inplace=True) is y
        and F.threshold_(x, 0.5, 9) is x
        and x.tolist() == y.tolist() == [9, 9, 2]
    )


@pytest.mark.parametrize("name", ["silu", "gelu", "leaky_relu", "mish", "relu", "sigmoid", "tanh"])
def test_layout_is_kept(name):
    x = tallow.randn(2, 3, 4, 5).contiguous(memory_format=tallow.channels_last).requires_grad_()
    y = getattr(F, name)(x)
    assert y.stride() == x.stride()
    assert tallow.equal(y, getattr(F, name)(x.contiguous()))
    (g,) = tallow.autograd.grad(y, x, tallow.ones(2, 3, 4, 5))
    assert g.stride() == x.stride()
    every_second = tallow.randn(8)[::2]
    assert getattr(F, name)(every_second).is_contiguous()


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3)])
@pytest.mark.parametrize("name", ["silu", "elu", "softplus"])
def test_small_shapes(name, shape):
    x = tallow.randn(shape, requires_grad=True)
    y = getattr(F, name)(x)
    y.sum().backward()
    assert y.shape == x.shape == x.grad.shape


@pytest.mark.parametrize("name", ["silu", "gelu", "softplus", "leaky_relu", "hardswish", "mish", "elu"])
def test_not_a_number_stays(name):
    x = tallow.tensor([math.nan, 1.0], requires_grad=True)
    y = getattr(F, name)(x)
    y.sum().backward()
    assert math.isnan(y[0].item()) and math.isfinite(y[1].item()) and math.isfinite(x.grad[1].item())
    assert getattr(F, name)(tallow.tensor([math.inf]))[0].item() == math.inf


@pytest.mark.parametrize("name", ["silu", "gelu"])
def test_the_same_bits_for_any_number_of_threads(name):
    x, before, results = tallow.randn(100_003), tallow.get_num_threads(), []
    for threads in (1, 2):
        tallow.set_num_threads(threads)
        leaf = x.clone().requires_grad_()
        y = getattr(F, name)(leaf)
        y.backward(x)
        results.append((y, leaf.grad))
    tallow.set_num_threads(before)
    assert all(tallow.equal(a, b) for a, b in zip(*results, strict=True))


def test_integers_where_they_make_sense():
    x = tallow.tensor([-3, 2, 9])
    assert F.hardtanh(x, -1, 5).tolist() == [-1, 2, 5] and F.relu6(x).tolist() == [0, 2, 6]
    with pytest.raises(NotImplementedError, match="\"silu_cpu\" not implemented for 'Long'"):
        F.silu(x)
    with pytest.raises(NotImplementedError, match="\"leaky_relu_cpu\" not implemented for 'Int'"):
        F.leaky_relu(x.int())


def test_complex_silu():
    z = tallow.tensor([1 + 2j, -0.5j])
    assert (F.silu(z) - z / (1 + (-z).exp())).abs().max().item() < 1e-6


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.hardtanh(x, 2, 1), ValueError, "min_val cannot be greater than max_val"),
        (lambda x: nn.Hardtanh(1, 1), AssertionError, "max_val must be larger than min_val"),
        (lambda x: F.celu(x, 0.0), RuntimeError, "alpha cannot be 0 for CELU"),
        (lambda x: F.softshrink(x, -1.0), RuntimeError, "lambda must be greater or equal to 0, but found to be -1"),
        (lambda x: F.rrelu(x, 0.5, 0.1), RuntimeError, "Lower bound should be less than or equal to the upper bound"),
        (lambda x: F.glu(x[:3]), RuntimeError, "Halving dimension must be even, but dimension 0 is size 3"),
        (lambda x: F.glu(x[0]), RuntimeError, "glu does not support scalars"),
        (lambda x: F.prelu(x, tallow.ones(2)), RuntimeError, "Mismatch of parameter numbers"),
        (lambda x: F.prelu(x, tallow.ones(1, 1)), RuntimeError, "scalar or 1D tensor"),
        (lambda x: F.prelu(x, tallow.ones(1).double()), RuntimeError, "Got Float and Double"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(tallow.ones(4))


def test_prelu():
    x = tallow.randn(2, 3, 4, dtype=tallow.float64, requires_grad=True)
    m = nn.PReLU(3, init=0.5, dtype=tallow.float64)
    assert (
        list(m.state_dict()) == ["weight"] and m.weight.tolist() == [0.5] * 3 and repr(m) == "PReLU(num_parameters=3)"
    )
    assert tallow.equal(m(x), tallow.where(x > 0, x, x * 0.5))
    weight = tallow.randn(3, dtype=tallow.float64, requires_grad=True)
    assert gradcheck(F.prelu, (x, weight)) and gradgradcheck(F.prelu, (x, weight))
    assert gradcheck(F.prelu, (x, tallow.randn(1, dtype=tallow.float64, requires_grad=True)))


def test_rrelu_in_training():
    x = tallow.cat([-tallow.ones(5000), tallow.ones(5000)]).requires_grad_()
    y = nn.RReLU(0.1, 0.3)(x)
    slopes = -y[:5000]
    assert 0.1 <= slopes.min().item() and slopes.max().item() <= 0.3 and abs(slopes.mean().item() - 0.2) < 0.01
    assert tallow.equal(y[5000:], x[5000:])
    y.sum().backward()
    assert tallow.equal(x.grad[:5000], slopes) and x.grad[5000:].unique().tolist() == [1]


def test_old_names_of_hardtanh():
    with pytest.warns(FutureWarning, match="min_value"):
        assert nn.Hardtanh(min_value=-3.0).min_val == -3.0


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.ReLU(True), "ReLU(inplace=True)"),
        (nn.ReLU6(), "ReLU6()"),
        (nn.ELU(0.5, True), "ELU(alpha=0.5, inplace=True)"),
        (nn.Hardtanh(), "Hardtanh(min_val=-1.0, max_val=1.0)"),
        (nn.LeakyReLU(0.2), "LeakyReLU(negative_slope=0.2)"),
        (nn.Softplus(), "Softplus(beta=1.0, threshold=20.0)"),
        (nn.Threshold(0.1, 20), "Threshold(threshold=0.1, value=20)"),
        (nn.Hardshrink(), "Hardshrink(0.5)"),
        (nn.SiLU(), "SiLU()"),
        (nn.Hardswish(True), "Hardswish()"),
        (nn.GLU(1), "GLU(dim=1)"),
        (nn.Softmin(1), "Softmin(dim=1)"),
    ],
)
def test_repr(module, text):
    assert repr(module) == text
