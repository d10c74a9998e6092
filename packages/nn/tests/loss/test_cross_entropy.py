"""The cross entropy against its definition, class by class."""

import math

import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.autograd import gradcheck, gradgradcheck


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def by_definition(rows, targets, weight, reduction, ignore, smoothing):
    """Of rows of scores, in plain Python."""
    losses, weights = [], []
    for row, t in zip(rows, targets, strict=True):
        if t == ignore:
            losses.append(0.0)
            continue
        classes = len(row)
        w = weight or [1.0] * classes
        lse = max(row) + math.log(sum(math.exp(v - max(row)) for v in row))
        even = sum(w[k] * (lse - row[k]) for k in range(classes)) / classes
        losses.append((1 - smoothing) * w[t] * (lse - row[t]) + smoothing * even)
        weights.append(w[t])
    if reduction == "none":
        return losses
    return sum(losses) / sum(weights) if reduction == "mean" else sum(losses)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("shape", "classes"), [((6, 5), 5), ((3, 40), 40), ((2, 3, 4, 5), 3), ((2, 20, 130), 20)])
def test_definition(shape, classes, weighted, smoothing, reduction):
    x = tallow.randn(*shape)
    target = tallow.randint(0, classes, (shape[0], *shape[2:]))
    target.view(-1)[1] = -100
    weight = tallow.rand(classes) + 0.5 if weighted else None
    loss = F.cross_entropy(x, target, weight, reduction=reduction, label_smoothing=smoothing)
    rows = x.movedim(1, -1).reshape(-1, classes).tolist()
    wanted = by_definition(
        rows, target.view(-1).tolist(), None if weight is None else weight.tolist(), reduction, -100, smoothing
    )
    assert loss.flatten().tolist() == pytest.approx(wanted if reduction == "none" else [wanted], rel=2e-5, abs=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(3, 4), (4,), (2, 3, 2)])
def test_gradients(shape, weighted, smoothing, reduction):
    x = tallow.randn(*shape, dtype=tallow.float64, requires_grad=True)
    classes = shape[0] if len(shape) == 1 else shape[1]
    target = tallow.randint(0, classes, () if len(shape) == 1 else (shape[0], *shape[2:]))
    weight = tallow.rand(classes, dtype=tallow.float64) + 0.5 if weighted else None

    def loss(x):
        return F.cross_entropy(x, target, weight, reduction=reduction, label_smoothing=smoothing)

    assert gradcheck(loss, (x,))
    assert gradgradcheck(loss, (x,))


def test_ignored_classes_have_no_gradient():
    x = tallow.randn(3, 4, requires_grad=True)
    F.cross_entropy(x, tallow.tensor([1, -100, 2])).backward()
    assert x.grad[1].tolist() == [0.0] * 4
    assert x.grad.sum(1).abs().max().item() < 1e-6


def test_every_target_ignored():
    x = tallow.randn(2, 3)
    assert F.cross_entropy(x, tallow.tensor([-100, -100])).isnan().item()
    assert F.cross_entropy(x, tallow.tensor([-100, -100]), reduction="sum").item() == 0


def test_empty_batch():
    x, target = tallow.randn(0, 3, requires_grad=True), tallow.zeros(0, dtype=tallow.int64)
    assert F.cross_entropy(x, target).isnan().item()
    loss = F.cross_entropy(x, target, reduction="sum")
    assert loss.item() == 0
    loss.backward()
    assert tuple(x.grad.shape) == (0, 3)


def test_large_scores():
    x = tallow.tensor([[1e4, 0.0], [-1e4, 1e4]])
    assert F.cross_entropy(x, tallow.tensor([0, 1])).item() == 0
    assert F.cross_entropy(x, tallow.tensor([1, 0]), reduction="none").tolist() == [1e4, 2e4]


def test_infinite_scores():
    inf = math.inf
    x = tallow.tensor([[-inf, 0.0, 0.0], [-inf, -inf, -inf], [inf, 0.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, tallow.tensor([1, 0, 1]), reduction="none")
    assert loss[0].item() == pytest.approx(math.log(2))
    assert loss[1:].isnan().all()
    columns = F.cross_entropy(x.t()[None], tallow.tensor([[1, 0, 1]]), reduction="none")
    assert columns[0, 0].item() == pytest.approx(math.log(2))
    assert columns[0, 1:].isnan().all()


def test_probabilities():
    x = tallow.randn(3, 4, dtype=tallow.float64, requires_grad=True)
    p = tallow.softmax(tallow.randn(3, 4, dtype=tallow.float64), 1)
    wanted = -(tallow.log_softmax(x, 1) * p).sum(1)
    assert tallow.allclose(F.cross_entropy(x, p, reduction="none"), wanted)
    assert tallow.allclose(F.cross_entropy(x, p), wanted.mean())
    one_hot = tallow.eye(4, dtype=tallow.float64)[tallow.tensor([0, 3, 2])]
    smooth = F.cross_entropy(x, one_hot, label_smoothing=0.3)
    assert tallow.allclose(smooth, F.cross_entropy(x, tallow.tensor([0, 3, 2]), label_smoothing=0.3))
    assert gradcheck(lambda x: F.cross_entropy(x, p), (x,))


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16])
def test_half(dtype):
    x, target = tallow.randn(4, 10), tallow.randint(0, 10, (4,))
    low = x.to(dtype).requires_grad_()
    loss = F.cross_entropy(low, target)
    assert loss.dtype == dtype
    assert loss.item() == pytest.approx(F.cross_entropy(x, target).item(), rel=0.02)
    loss.backward()
    assert low.grad.dtype == dtype


@pytest.mark.parametrize("shape", [(700, 129), (3, 5, 40, 41)])
def test_threads_do_not_change_bits(shape):
    x = tallow.randn(*shape, requires_grad=True)
    target = tallow.randint(0, shape[1], (shape[0], *shape[2:]))
    results = []
    before = tallow.get_num_threads()
    for threads in (1, 2):
        tallow.set_num_threads(threads)
        loss = F.cross_entropy(x, target, label_smoothing=0.1)
        results.append((loss, tallow.autograd.grad(loss, x)[0]))
    tallow.set_num_threads(before)
    assert tallow.equal(results[0][0], results[1][0])
    assert tallow.equal(results[0][1], results[1][1])


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        ((tallow.zeros(2, 3), tallow.tensor([0, 3])), {}, IndexError, "Target 3 is out of bounds."),
        ((tallow.zeros(2, 3), tallow.tensor([0])), {}, ValueError, r"\(2\) to match target batch_size \(1\)"),
        ((tallow.zeros(2, 3), tallow.tensor([0.0, 1.0])), {}, RuntimeError, "expected scalar type Long but found"),
        ((tallow.zeros(2, 3), tallow.zeros(2, 3)), {"ignore_index": 1}, RuntimeError, "ignore_index is not supp"),
        ((tallow.zeros(2, 3), tallow.tensor([0, 1])), {"label_smoothing": 2.0}, RuntimeError, "between 0.0 and 1.0"),
        ((tallow.zeros(2, 3), tallow.tensor([0, 1])), {"reduction": "no"}, ValueError, "no is not a valid value"),
        ((tallow.zeros(2, 3), tallow.tensor([0, 1]), tallow.ones(2)), {}, RuntimeError, "weight tensor should be"),
        ((tallow.tensor(1.0), tallow.tensor(0)), {}, RuntimeError, "at least one dimension"),
    ],
)
def test_errors(args, kwargs, error, message):
    with pytest.raises(error, match=message):
        F.cross_entropy(*args, **kwargs)


def test_nll_loss_is_the_second_half():
    x = tallow.randn(3, 4, 2, dtype=tallow.float64, requires_grad=True)
    target, weight = tallow.randint(0, 4, (3, 2)), tallow.rand(4, dtype=tallow.float64)
    for reduction in ("none", "mean", "sum"):
        halves = F.nll_loss(tallow.log_softmax(x, 1), target, weight, reduction=reduction)
        assert tallow.allclose(halves, F.cross_entropy(x, target, weight, reduction=reduction))
        check = lambda x, r=reduction: F.nll_loss(x, target, weight, reduction=r)  # noqa: E731
        assert gradcheck(check, (x,))
        assert gradgradcheck(lambda x, f=check: f(x * x), (x,))


def test_modules():
    x, target = tallow.randn(3, 4), tallow.tensor([0, 1, 2])
    loss = nn.CrossEntropyLoss(weight=tallow.ones(4), label_smoothing=0.1, reduction="sum")
    assert list(loss.state_dict()) == ["weight"]
    wanted = F.cross_entropy(x, target, tallow.ones(4), reduction="sum", label_smoothing=0.1)
    assert tallow.equal(loss(x, target), wanted)
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        assert nn.CrossEntropyLoss(size_average=False).reduction == "sum"


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("options", [None, nn.LinearCrossEntropyOptions(batch_chunk_size=2)])
def test_linear_cross_entropy(options, reduction):
    double = {"dtype": tallow.float64, "requires_grad": True}
    x, w, b = tallow.randn(5, 3, **double), tallow.randn(7, 3, **double), tallow.randn(7, **double)
    target, weight = tallow.tensor([0, 3, -100, 6, 2]), tallow.rand(7, dtype=tallow.float64)

    def loss(x, w, b):
        return F.linear_cross_entropy(
            x, w, target, linear_bias=b, weight=weight, reduction=reduction, options=options
        )

    wanted = F.cross_entropy(F.linear(x, w, b), target, weight, reduction=reduction)
    assert tallow.allclose(loss(x, w, b), wanted)
    assert gradcheck(loss, (x, w, b))


def test_linear_cross_entropy_module():
    head = nn.LinearCrossEntropyLoss(4, 3, out_features=(2,), bias=True)
    assert list(head.state_dict()) == ["linear.weight", "linear.bias"]
    assert tuple(head.linear.weight.shape) == (6, 4)
    assert head(tallow.randn(5, 4), tallow.randint(0, 3, (5, 2))).dim() == 0
    with pytest.raises(RuntimeError, match="in_features"):
        head(tallow.randn(5, 3), tallow.randint(0, 3, (5, 2)))
    with pytest.raises(ValueError, match="invalid chunking_method"):
        nn.LinearCrossEntropyOptions(chunking_method="halves")
    assert nn.LinearCrossEntropyOptions(chunking_method="aspect_ratio").rows(1000, 10, 1000) == 16
