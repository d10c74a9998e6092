"""Losses of one prediction and one target per element, against their formulas in plain Python."""

import math

import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.autograd import gradcheck, gradgradcheck

X = [-1.7, -0.3, 0.0, 0.4, 2.5]
T = [0.2, -0.3, 1.0, 1.5, 0.5]
P = [0.1, 0.35, 0.5, 0.62, 0.97]
Q = [0.3, 0.0, 1.0, 0.5, 0.9]
COUNTS = [0.5, 1.0, 2.0, 3.5, 9.0]
SIGNS = [1.0, -1.0, 1.0, 1.0, -1.0]


def huber(d, delta):
    return d * d / 2 if abs(d) <= delta else delta * (abs(d) - delta / 2)


def cross(p, q):
    return -(q * math.log(p) + (1 - q) * math.log(1 - p))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def stirling(t):
    return t * math.log(t) - t + math.log(2 * math.pi * t) / 2 if t > 1 else 0.0


#: module, the two arguments, the loss of one pair
CASES = [
    (nn.L1Loss, X, T, lambda x, t: abs(x - t)),
    (nn.MSELoss, X, T, lambda x, t: (x - t) ** 2),
    (nn.SmoothL1Loss, X, T, lambda x, t: huber(x - t, 1.0)),
    (lambda **k: nn.SmoothL1Loss(beta=0.5, **k), X, T, lambda x, t: huber(x - t, 0.5) / 0.5),
    (lambda **k: nn.SmoothL1Loss(beta=0.0, **k), X, T, lambda x, t: abs(x - t)),
    (lambda **k: nn.HuberLoss(delta=0.7, **k), X, T, lambda x, t: huber(x - t, 0.7)),
    (nn.BCELoss, P, Q, cross),
    (nn.BCEWithLogitsLoss, X, Q, lambda x, q: cross(sigmoid(x), q)),
    (nn.SoftMarginLoss, X, SIGNS, lambda x, s: math.log(1 + math.exp(-s * x))),
    (nn.KLDivLoss, X, P, lambda x, p: p * (math.log(p) - x)),
    (lambda **k: nn.KLDivLoss(log_target=True, **k), X, T, lambda x, t: math.exp(t) * (t - x)),
    (nn.PoissonNLLLoss, X, P, lambda x, t: math.exp(x) - t * x),
    (lambda **k: nn.PoissonNLLLoss(log_input=False, **k), P, T, lambda x, t: x - t * math.log(x + 1e-8)),
    (lambda **k: nn.PoissonNLLLoss(full=True, **k), X, COUNTS, lambda x, t: math.exp(x) - t * x + stirling(t)),
    (nn.HingeEmbeddingLoss, X, SIGNS, lambda x, s: x if s == 1 else max(0.0, 1 - x)),
]


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_formula(case, reduction):
    module, x, t, formula = CASES[case]
    each = [formula(a, b) for a, b in zip(x, t, strict=True)]
    wanted = {"none": each, "sum": [sum(each)], "mean": [sum(each) / len(each)]}[reduction]
    loss = module(reduction=reduction)(tallow.tensor(x, dtype=tallow.float64), tallow.tensor(t, dtype=tallow.float64))
    assert loss.dim() == (1 if reduction == "none" else 0)
    assert loss.flatten().tolist() == pytest.approx(wanted)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_gradients(case, reduction):
    module, x, t, _ = CASES[case]
    x = tallow.tensor(x, dtype=tallow.float64, requires_grad=True)
    loss = module(reduction=reduction)
    t = tallow.tensor(t, dtype=tallow.float64)
    # Apart from where a loss has a corner.
    keep = [i for i in range(5) if abs(x[i].item() - t[i].item()) > 1e-3 and x[i].item() != 0]
    x, t = x.detach()[keep].requires_grad_(), t[keep]
    assert gradcheck(lambda x: loss(x, t), (x,))
    assert gradgradcheck(lambda x: loss(x, t), (x,))


FUSED = [
    F.mse_loss,
    F.smooth_l1_loss,
    F.huber_loss,
    F.binary_cross_entropy,
    F.binary_cross_entropy_with_logits,
    F.soft_margin_loss,
]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("loss", FUSED)
def test_gradients_of_targets(loss, reduction):
    x = tallow.tensor([0.15, 0.4, 0.97], dtype=tallow.float64, requires_grad=True)
    t = tallow.tensor([0.3, 0.81, 0.5], dtype=tallow.float64, requires_grad=True)
    assert gradcheck(lambda x, t: loss(x, t, reduction=reduction), (x, t))
    assert gradgradcheck(lambda x, t: loss(x, t, reduction=reduction), (x, t))


@pytest.mark.parametrize("loss", FUSED)
def test_of_many_elements(loss):
    x, t = tallow.rand(300, 211), tallow.rand(300, 211)
    results = []
    before = tallow.get_num_threads()
    for threads in (1, 2):
        tallow.set_num_threads(threads)
        y = x.clone().requires_grad_()
        mean = loss(y, t)
        results.append((mean, tallow.autograd.grad(mean, y)[0]))
    tallow.set_num_threads(before)
    assert tallow.equal(results[0][0], results[1][0])
    assert tallow.equal(results[0][1], results[1][1])
    each = loss(x.double(), t.double(), reduction="none")
    assert mean.item() == pytest.approx(each.mean().item(), rel=1e-6)
    # Views are read where they are, and other dtypes rounded once.
    assert loss(x.t(), t.t()).item() == pytest.approx(mean.item(), rel=1e-6)
    x, t = x.bfloat16(), t.bfloat16()
    half = loss(x, t)
    assert half.dtype == tallow.bfloat16
    assert half.item() == pytest.approx(loss(x.float(), t.float()).item(), rel=0.01)


def test_nothing_has_no_mean():
    empty = tallow.zeros(0, requires_grad=True)
    loss = F.mse_loss(empty, tallow.zeros(0))
    assert loss.isnan().item()
    loss.backward()
    assert F.mse_loss(empty, tallow.zeros(0), reduction="sum").item() == 0


def test_slope_at_zero():
    x = tallow.zeros(1, requires_grad=True)
    F.binary_cross_entropy_with_logits(x, tallow.tensor([1.0])).backward()
    assert x.grad.item() == -0.5


def test_logits_do_not_overflow():
    x = tallow.tensor([-1e4, 1e4], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, tallow.tensor([1.0, 0.0]), reduction="none")
    assert loss.tolist() == [1e4, 1e4]
    loss.sum().backward()
    assert x.grad.tolist() == [-1.0, 1.0]


def test_certain_mistakes_cost_a_finite_amount():
    x = tallow.tensor([0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, tallow.tensor([1.0, 0.0]), reduction="none")
    assert loss.tolist() == [100.0, 100.0]
    loss.sum().backward()
    assert x.grad.isfinite().all()


def test_weights():
    x, t = tallow.tensor(P), tallow.tensor(Q)
    weight = tallow.tensor([1.0, 2.0, 0.0, 1.0, 0.5])
    wanted = F.binary_cross_entropy(x, t, reduction="none") * weight
    assert tallow.allclose(F.binary_cross_entropy(x, t, weight), wanted.mean())
    logits = tallow.logit(x)
    assert tallow.allclose(F.binary_cross_entropy_with_logits(logits, t, weight), wanted.mean())
    twice = F.binary_cross_entropy_with_logits(logits, t, pos_weight=tallow.tensor(2.0), reduction="none")
    assert twice.tolist() == pytest.approx([cross(p, q) - q * math.log(p) for p, q in zip(P, Q, strict=True)], rel=1e-5)
    square = F.mse_loss(x, t, weight=weight)
    assert tallow.allclose(square, ((x - t) ** 2 * weight).sum() / weight.sum())
    assert tallow.allclose(F.l1_loss(x, t, weight=weight), ((x - t).abs() * weight).sum() / weight.sum())
    assert tallow.allclose(F.huber_loss(x, t, weight=weight), (F.huber_loss(x, t, reduction="none") * weight).mean())
    with pytest.raises(ValueError, match="must have the same size"):
        F.mse_loss(x, t, weight=tallow.ones(2))


def test_batchmean():
    x, t = tallow.randn(3, 4), tallow.rand(3, 4)
    total = F.kl_div(x, t, reduction="sum")
    assert tallow.allclose(F.kl_div(x, t, reduction="batchmean"), total / 3)
    with pytest.warns(UserWarning, match="batchmean"):
        F.kl_div(x, t)


def test_gaussian():
    x, t, var = tallow.randn(2, 3), tallow.randn(2, 3), tallow.rand(2, 3) + 0.1
    wanted = (var.log() + (x - t) ** 2 / var) / 2
    assert tallow.allclose(F.gaussian_nll_loss(x, t, var, reduction="none"), wanted)
    full = nn.GaussianNLLLoss(full=True, reduction="none")(x, t, var)
    assert tallow.allclose(full, wanted + math.log(2 * math.pi) / 2)
    assert tallow.allclose(F.gaussian_nll_loss(x, t, 1.0), ((x - t) ** 2).mean() / 2)
    assert tallow.allclose(F.gaussian_nll_loss(x, t, var[:, 0]), F.gaussian_nll_loss(x, t, var[:, :1]))
    with pytest.raises(ValueError, match="negative"):
        F.gaussian_nll_loss(x, t, -var)
    with pytest.raises(ValueError, match="incorrect size"):
        F.gaussian_nll_loss(x, t, var[:, :2])


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss])
def test_broadcast_warns(loss):
    with pytest.warns(UserWarning, match="different to the input size"):
        assert tuple(loss(tallow.zeros(3, 1), tallow.zeros(3), reduction="none").shape) == (3, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.huber_loss(x, x, delta=0), RuntimeError, "non-positive values for delta"),
        (lambda x: F.smooth_l1_loss(x, x, beta=-1), RuntimeError, "negative values for beta"),
        (lambda x: F.binary_cross_entropy(x + 2, x), RuntimeError, "between 0 and 1"),
        (lambda x: F.binary_cross_entropy(x, x[:1]), ValueError, "different to the input size"),
        (lambda x: F.binary_cross_entropy_with_logits(x, x[:1]), ValueError, "must be the same as input size"),
        (lambda x: F.l1_loss(x, x, reduction="abc"), ValueError, "abc is not a valid value for reduction"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(tallow.zeros(3))
