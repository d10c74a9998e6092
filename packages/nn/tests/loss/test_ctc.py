"""Connectionist temporal classification against the sum over all paths."""

import itertools
import math

import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.autograd import gradcheck


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def merged(path, blank):
    """What a path says: repeats once, blanks not at all."""
    return [k for k, _ in itertools.groupby(path) if k != blank]


def by_enumeration(rows, target, blank):
    classes = range(len(rows[0]))
    total = sum(
        math.exp(sum(row[k] for row, k in zip(rows, path, strict=True)))
        for path in itertools.product(classes, repeat=len(rows))
        if merged(path, blank) == target
    )
    return -math.log(total) if total else math.inf


def log_probs(*shape):
    return tallow.randn(*shape, dtype=tallow.float64).log_softmax(-1)


@pytest.mark.parametrize("blank", [0, 2])
def test_all_paths(blank):
    x = log_probs(5, 3, 3)
    labels = [k for k in range(3) if k != blank]
    targets = [[labels[0], labels[1]], [labels[1], labels[1]], [labels[0]]]
    lengths, target_lengths = [5, 4, 1], [2, 2, 1]
    wanted = [
        by_enumeration(x[: lengths[b], b].tolist(), targets[b], blank) for b in range(3)
    ]
    padded = tallow.tensor([t + [blank] * (2 - len(t)) for t in targets])
    joined = tallow.tensor([k for t in targets for k in t])
    for form in (padded, joined, joined.to(tallow.int32)):
        loss = F.ctc_loss(x, form, lengths, target_lengths, blank, reduction="none")
        assert loss.tolist() == pytest.approx(wanted)
    mean = F.ctc_loss(x, padded, tallow.tensor(lengths), tallow.tensor(target_lengths), blank)
    assert mean.item() == pytest.approx(sum(w / n for w, n in zip(wanted, target_lengths, strict=True)) / 3)
    assert nn.CTCLoss(blank, "sum")(x, padded, lengths, target_lengths).item() == pytest.approx(sum(wanted))


def test_without_batch():
    x = log_probs(4, 3)
    single = F.ctc_loss(x, tallow.tensor([1, 2]), (4,), (2,), reduction="none")
    assert single.dim() == 0
    assert single.item() == pytest.approx(by_enumeration(x.tolist(), [1, 2], 0))


def test_gradient_through_log_softmax():
    x = tallow.randn(6, 2, 4, dtype=tallow.float64, requires_grad=True)
    targets = tallow.tensor([[1, 2, 2], [3, 0, 0]])

    def loss(x):
        return F.ctc_loss(x.log_softmax(-1), targets, [6, 5], [3, 1], reduction="none")

    assert gradcheck(loss, (x,))


def test_second_derivatives():
    x = log_probs(5, 2, 3).requires_grad_()
    dy = tallow.ones(2, dtype=tallow.float64, requires_grad=True)
    loss = F.ctc_loss(x, tallow.tensor([[1], [2]]), [5, 5], [1, 1], reduction="none")
    (grad,) = tallow.autograd.grad(loss, x, dy, create_graph=True)
    along = tallow.randn(5, 2, 3, dtype=tallow.float64)
    (slope,) = tallow.autograd.grad((grad * along).sum(), dy, retain_graph=True)
    assert tallow.allclose(slope, (grad * along).sum((0, 2)))
    with pytest.raises(NotImplementedError, match="ctc_loss_backward with respect to 'log_probs'"):
        tallow.autograd.grad(grad.sum(), x)


def test_targets_that_do_not_fit():
    x = tallow.randn(2, 1, 3, requires_grad=True)
    targets = tallow.tensor([[1, 1]])  # needs three steps: a blank between the repeats
    assert F.ctc_loss(x.log_softmax(-1), targets, [2], [2]).item() == math.inf
    loss = F.ctc_loss(x.log_softmax(-1), targets, [2], [2], zero_infinity=True)
    loss.backward()
    assert loss.item() == 0
    assert x.grad.abs().max().item() == 0


def test_empty_targets_and_inputs():
    x = log_probs(3, 2, 3)
    loss = F.ctc_loss(x, tallow.zeros(2, 0, dtype=tallow.int64), [3, 0], [0, 0], reduction="none")
    assert loss.tolist() == pytest.approx([-x[:, 0, 0].sum().item(), 0.0])
    assert F.ctc_loss(x, tallow.tensor([[1], [1]]), [3, 0], [1, 1], reduction="none")[1].item() == math.inf


def test_threads_do_not_change_bits():
    x = tallow.randn(50, 8, 20, requires_grad=True)
    targets = tallow.randint(1, 20, (8, 10))
    results = []
    before = tallow.get_num_threads()
    for threads in (1, 2):
        tallow.set_num_threads(threads)
        loss = F.ctc_loss(x.log_softmax(-1), targets, [50] * 8, [10] * 8)
        results.append((loss, tallow.autograd.grad(loss, x)[0]))
    tallow.set_num_threads(before)
    assert tallow.equal(results[0][0], results[1][0])
    assert tallow.equal(results[0][1], results[1][1])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (([1, 2], [4], [2], 5), "blank must be in label range"),
        (([1, 2], [5], [2]), "input_lengths to have value at most 4, but got value 5"),
        (([1, 2], [4, 4], [2]), "input_lengths must be of size batch_size"),
        (([1, 2], [4], [2, 2]), "target_lengths must be of size batch_size"),
        (([1, 2], [4], [-1]), "target_lengths to have value at least 0"),
        (([1, 2], [4], [3]), "to have size at least 3"),
        (([1, 7], [4], [2]), "label 7 of sequence 0"),
    ],
)
def test_errors(args, message):
    targets, *rest = args
    with pytest.raises(RuntimeError, match=message):
        F.ctc_loss(log_probs(4, 1, 3), tallow.tensor([targets]), *rest)
