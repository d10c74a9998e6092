"""Distances, and losses with a margin."""

import math

import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.autograd import gradcheck, gradgradcheck


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def double(*shape):
    return tallow.randn(*shape, dtype=tallow.float64, requires_grad=True)


def norm(v, p):
    if p == math.inf:
        return max(abs(a) for a in v)
    return sum(abs(a) ** p for a in v) ** (1 / p)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, math.inf])
def test_pairwise_distance(p):
    a, b = double(3, 4), double(3, 4)
    wanted = [norm(row, p) for row in (a - b + 1e-6).tolist()]
    assert nn.PairwiseDistance(p)(a, b).tolist() == pytest.approx(wanted)
    assert tuple(F.pairwise_distance(a, b, p, keepdim=True).shape) == (3, 1)
    assert gradcheck(lambda a, b: F.pairwise_distance(a, b, p), (a, b))


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_pdist(p):
    x = double(4, 3)
    rows = x.tolist()
    wanted = [
        norm([u - v for u, v in zip(rows[i], rows[j], strict=True)], p) for i in range(4) for j in range(i + 1, 4)
    ]
    assert F.pdist(x, p).tolist() == pytest.approx(wanted)
    assert gradcheck(lambda x: F.pdist(x, p), (x,))
    assert F.pdist(tallow.zeros(1, 3)).numel() == 0
    with pytest.raises(RuntimeError, match="only supports 2D"):
        F.pdist(tallow.zeros(3))


def test_cosine_similarity():
    a, b = double(2, 3, 4), double(2, 3, 4)
    for dim in (0, 1, -1):
        wanted = (a * b).sum(dim) / (a.norm(dim=dim) * b.norm(dim=dim))
        assert tallow.allclose(F.cosine_similarity(a, b, dim), wanted)
    assert gradcheck(F.cosine_similarity, (a, b))
    assert gradgradcheck(F.cosine_similarity, (a, b))
    assert nn.CosineSimilarity(dim=0)(tallow.zeros(3), tallow.ones(3)).item() == 0
    assert tuple(F.cosine_similarity(tallow.ones(2, 1, 3), tallow.ones(4, 3), dim=2).shape) == (2, 4)


def test_margin_ranking():
    a, b, t = tallow.tensor([1.0, 2.0]), tallow.tensor([3.0, 0.0]), tallow.tensor([1.0, 1.0])
    assert nn.MarginRankingLoss(margin=0.5, reduction="none")(a, b, t).tolist() == [2.5, 0.0]
    with pytest.raises(RuntimeError, match="same dimension"):
        F.margin_ranking_loss(a, b, t[:, None])


@pytest.mark.parametrize("vectors", [(3, 4), (4,)])
def test_cosine_embedding(vectors):
    a, b = double(*vectors), double(*vectors)
    t = tallow.tensor([1, -1, 1]) if len(vectors) == 2 else tallow.tensor(-1)
    cosine = F.cosine_similarity(a, b, dim=-1)
    wanted = tallow.where(t == 1, 1 - cosine, (cosine - 0.1).clamp(min=0))
    loss = nn.CosineEmbeddingLoss(margin=0.1, reduction="none")
    assert tallow.allclose(loss(a, b, t), wanted)
    assert gradcheck(lambda a, b: loss(a, b, t), (a, b))
    with pytest.raises(RuntimeError, match="D target tensor expects"):
        F.cosine_embedding_loss(a[None], b[None], t)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_multi_margin(p, weighted):
    x, t = double(3, 5), tallow.tensor([0, 4, 2])
    w = tallow.rand(5, dtype=tallow.float64) if weighted else tallow.ones(5, dtype=tallow.float64)
    wanted = [
        sum(w[k].item() * max(0.0, 1 - row[k] + v) ** p for i, v in enumerate(row) if i != k) / 5
        for row, k in zip(x.tolist(), t.tolist(), strict=True)
    ]
    loss = nn.MultiMarginLoss(p, weight=w if weighted else None, reduction="none")
    assert loss(x, t).tolist() == pytest.approx(wanted)
    assert F.multi_margin_loss(x[0], t[0], p, weight=w, reduction="none").item() == pytest.approx(wanted[0])
    assert gradcheck(lambda x: loss(x, t), (x,))


def test_multilabel_margin():
    x = double(2, 4)
    t = tallow.tensor([[3, 0, -1, 1], [-1, 0, 1, 2]])
    row = x[0].tolist()
    wanted = sum(max(0.0, 1 - row[j] + row[i]) for j in (3, 0) for i in (1, 2)) / 4
    loss = nn.MultiLabelMarginLoss(reduction="none")
    assert loss(x, t).tolist() == pytest.approx([wanted, 0.0])
    assert loss(x[0], t[0]).item() == pytest.approx(wanted)
    assert gradcheck(lambda x: loss(x, t), (x,))
    assert gradgradcheck(lambda x: loss(x * x, t), (x,))


def test_multilabel_soft_margin():
    x, t, w = double(2, 3), tallow.rand(2, 3, dtype=tallow.float64), tallow.rand(3, dtype=tallow.float64)
    s = x.sigmoid()
    wanted = -((t * s.log() + (1 - t) * (1 - s).log()) * w).mean(1)
    assert tallow.allclose(nn.MultiLabelSoftMarginLoss(w, reduction="none")(x, t), wanted)


@pytest.mark.parametrize("swap", [False, True])
def test_triplet(swap):
    a, p, n = double(3, 4), double(3, 4), double(3, 4)
    near, far = F.pairwise_distance(a, p), F.pairwise_distance(a, n)
    if swap:
        far = tallow.minimum(far, F.pairwise_distance(p, n))
    wanted = (near - far + 2.0).clamp(min=0)
    loss = nn.TripletMarginLoss(margin=2.0, swap=swap, reduction="none")
    assert tallow.allclose(loss(a, p, n), wanted)
    general = nn.TripletMarginWithDistanceLoss(margin=2.0, swap=swap, reduction="none")
    assert tallow.allclose(general(a, p, n), wanted)
    assert gradcheck(loss, (a, p, n))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.TripletMarginLoss(margin=0), ValueError, "margin to be greater than 0, got 0"),
        (lambda: F.triplet_margin_loss(*[tallow.zeros(2, 2)] * 3, margin=-1.0), ValueError, "greater than 0, got -1.0"),
        (
            lambda: F.triplet_margin_loss(tallow.zeros(3), tallow.zeros(2, 3), tallow.zeros(2, 3)),
            RuntimeError,
            "anchor 1D, positive 2D, and negative 2D",
        ),
        (lambda: nn.MultiMarginLoss(p=3), ValueError, "only p == 1 and p == 2 supported"),
        (
            lambda: F.multi_margin_loss(tallow.zeros(2, 3), tallow.tensor([0, 3])),
            RuntimeError,
            "target out of range",
        ),
        (
            lambda: F.multilabel_margin_loss(tallow.zeros(2, 3), tallow.tensor([[5, 0, 0], [0, 0, 0]])),
            RuntimeError,
            "out of range: class 5 of 3",
        ),
        (
            lambda: F.multilabel_margin_loss(tallow.zeros(5, 4), tallow.zeros(4, dtype=tallow.int64)),
            RuntimeError,
            r"inconsistent target size: \[4\] for input of size: \[5, 4\]",
        ),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_distance_of_triplets_is_a_module():
    assert repr(nn.TripletMarginWithDistanceLoss()).split("\n")[1] == "  (distance_function): PairwiseDistance()"
