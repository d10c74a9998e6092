"""Modules and losses under ``autocast``: dtypes of results and of gradients, and casts of parameters that are kept."""

import pytest

import tallow
from tallow import nn
from tallow.nn import functional as F
from tallow.utils.checkpoint import checkpoint

LOWER = (tallow.bfloat16, tallow.float16)
images, volumes, rows = tallow.randn(2, 4, 8, 8), tallow.randn(2, 4, 4, 8, 8), tallow.randn(2, 3, 8)
ids = tallow.tensor([1, 2])

LOWERED = {
    "linear": lambda c: F.linear(c(rows), c(tallow.randn(5, 8)), c(tallow.randn(5))),
    "conv1d": lambda c: F.conv1d(c(rows), c(tallow.randn(3, 3, 2))),
    "conv2d": lambda c: F.conv2d(c(images), c(tallow.randn(4, 4, 3, 3))),
    "conv3d": lambda c: F.conv3d(c(volumes), c(tallow.randn(4, 4, 2, 2, 2))),
    "conv_transpose1d": lambda c: F.conv_transpose1d(c(rows), c(tallow.randn(3, 3, 2))),
    "conv_transpose2d": lambda c: F.conv_transpose2d(c(images), c(tallow.randn(4, 4, 3, 3))),
    "conv_transpose3d": lambda c: F.conv_transpose3d(c(volumes), c(tallow.randn(4, 4, 2, 2, 2))),
    "prelu": lambda c: F.prelu(c(rows), c(tallow.ones(1))),
    "attention": lambda c: F.scaled_dot_product_attention(c(rows), c(rows), c(rows)),
}
WIDENED = {
    "mse_loss": lambda c: F.mse_loss(c(rows), c(rows)),
    "l1_loss": lambda c: F.l1_loss(c(rows), c(rows)),
    "smooth_l1_loss": lambda c: F.smooth_l1_loss(c(rows), c(rows)),
    "huber_loss": lambda c: F.huber_loss(c(rows), c(rows)),
    "binary_cross_entropy": lambda c: F.binary_cross_entropy(c(rows.sigmoid()), c(rows.sigmoid())),
    "with_logits": lambda c: F.binary_cross_entropy_with_logits(c(rows), c(rows.sigmoid())),
    "cross_entropy": lambda c: F.cross_entropy(c(rows[:, 0]), ids),
    "nll_loss": lambda c: F.nll_loss(c(rows[:, 0]), ids),
    "kl_div": lambda c: F.kl_div(c(rows), c(rows.sigmoid()), reduction="sum"),
    "poisson_nll_loss": lambda c: F.poisson_nll_loss(c(rows), c(rows)),
    "hinge_embedding_loss": lambda c: F.hinge_embedding_loss(c(rows), tallow.ones(2, 3, 8)),
    "cosine_embedding_loss": lambda c: F.cosine_embedding_loss(c(rows[0]), c(rows[1]), tallow.ones(3)),
    "margin_ranking_loss": lambda c: F.margin_ranking_loss(c(rows), c(rows), tallow.ones(2, 3, 8)),
    "soft_margin_loss": lambda c: F.soft_margin_loss(c(rows), tallow.ones(2, 3, 8)),
    "triplet_margin_loss": lambda c: F.triplet_margin_loss(c(rows), c(rows), c(rows)),
    "multi_margin_loss": lambda c: F.multi_margin_loss(c(rows[:, 0]), ids),
    "ctc_loss": lambda c: F.ctc_loss(c(rows.log_softmax(-1)), tallow.ones(3, 1, dtype=tallow.long), [2] * 3, [1] * 3),
    "avg_pool3d": lambda c: F.avg_pool3d(c(volumes), 2),
    "max_pool3d": lambda c: F.max_pool3d(c(volumes), 2),
    "adaptive_avg_pool3d": lambda c: F.adaptive_avg_pool3d(c(volumes), 1),
    "adaptive_max_pool3d": lambda c: F.adaptive_max_pool3d(c(volumes), 1),
    "fractional_max_pool2d": lambda c: F.fractional_max_pool2d(c(images), 2, output_size=2),
    "grid_sample": lambda c: F.grid_sample(c(images), c(tallow.zeros(2, 2, 2, 2)), align_corners=False),
    "pad reflect": lambda c: F.pad(c(rows), (1, 1), mode="reflect"),
}
AS_THEY_COME = {
    "relu": lambda c: F.relu(c(rows)),
    "gelu": lambda c: F.gelu(c(rows)),
    "layer_norm": lambda c: F.layer_norm(c(rows), (8,), tallow.ones(8), tallow.zeros(8)),
    "batch_norm": lambda c: F.batch_norm(c(images), tallow.zeros(4), tallow.ones(4), training=True),
    "max_pool2d": lambda c: F.max_pool2d(c(images), 2),
    "interpolate": lambda c: F.interpolate(c(images), scale_factor=2),
    "pad": lambda c: F.pad(c(images), (1, 1)),
    "pad circular": lambda c: F.pad(c(images), (1, 1, 1, 1), mode="circular"),
    "dropout": lambda c: F.dropout(c(rows)),
}


@pytest.mark.parametrize("dtype", LOWER)
@pytest.mark.parametrize("given", [tallow.float32, *LOWER])
def test_dtypes_of_results(dtype, given):
    with tallow.autocast("cpu", dtype=dtype):
        for wanted, cases in ((dtype, LOWERED), (tallow.float32, WIDENED), (given, AS_THEY_COME)):
            for name, f in cases.items():
                assert f(lambda t: t.to(given)).dtype == wanted, name


@pytest.mark.parametrize("dtype", LOWER)
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_layers(kind, dtype):
    layer = kind(8, 5, batch_first=True, bidirectional=True)
    for given in (tallow.float32, *LOWER):
        with tallow.autocast("cpu", dtype=dtype):
            output, _ = layer(rows.to(given))
        assert output.dtype == dtype
    output.sum().backward()
    assert all(p.grad.dtype == tallow.float32 for p in layer.parameters())
    with pytest.raises(ValueError, match="does not match weight dtype"):
        layer(rows.to(dtype))


def test_a_step_is_close_to_that_in_float32():
    def model():
        tallow.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.LayerNorm(32),
            nn.Linear(32, 3),
        )  # fmt: skip

    full, mixed = model(), model()
    expected = F.cross_entropy(full(images), ids)
    expected.backward()
    with tallow.autocast("cpu"):
        logits = mixed(images)
        loss = F.cross_entropy(logits, ids)
    loss.backward()
    assert logits.dtype == tallow.bfloat16 and loss.dtype == tallow.float32
    tallow.testing.assert_close(loss, expected, rtol=0.02, atol=0.02)
    for p, q in zip(mixed.parameters(), full.parameters(), strict=True):
        assert p.grad.dtype == tallow.float32
        if q.grad.abs().max() > 1e-3:  # the gradient of a bias before a batch norm is nothing but rounding
            assert F.cosine_similarity(p.grad.flatten(), q.grad.flatten(), dim=0) > 0.98


def casts_of(weight, **kwargs):
    """The graph nodes that lead from two products to a weight."""
    with tallow.autocast("cpu", **kwargs):
        a, b = F.linear(rows, weight), F.linear(rows, weight)
    return [next(f for f, _ in y.grad_fn.next_functions if f is not None) for y in (a, b)]


def test_the_cast_of_a_parameter_is_kept_within_the_block():
    weight = nn.Parameter(tallow.randn(5, 8))
    a, b = casts_of(weight)
    assert a == b
    assert casts_of(weight)[0] != a
    a, b = casts_of(weight, cache_enabled=False)
    assert a != b


def test_what_is_kept_is_not_stale():
    weight = nn.Parameter(tallow.zeros(5, 8))
    with tallow.autocast("cpu"):
        assert F.linear(rows, weight).abs().sum() == 0
        with tallow.no_grad():
            weight.fill_(1.0)
        assert F.linear(rows, weight).abs().sum() > 0
        with tallow.no_grad():
            assert not F.linear(rows, weight).requires_grad
        assert F.linear(rows, weight).requires_grad  # a cast without history was not kept
        with tallow.autocast("cpu", dtype=tallow.float16):
            assert F.linear(rows, weight).dtype == tallow.float16
        tallow.clear_autocast_cache()
        F.linear(rows, weight).sum().backward()
    assert weight.grad is not None


def test_attention_and_transformers():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    with tallow.autocast("cpu"):
        out = layer(rows, src_mask=mask)
    out.sum().backward()
    assert all(p.grad is not None and p.grad.dtype == tallow.float32 for p in layer.parameters())
    with tallow.no_grad(), tallow.autocast("cpu"):
        tallow.testing.assert_close(layer(rows, src_mask=mask).float(), layer(rows, src_mask=mask).float())


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_checkpoints_compute_again_as_they_computed(use_reentrant):
    layer = nn.Linear(8, 8)
    seen = []

    def part(x):
        y = layer(x)
        seen.append(y.dtype)
        return y.relu()

    x = rows.clone().requires_grad_()
    with tallow.autocast("cpu"):
        y = checkpoint(part, x, use_reentrant=use_reentrant)
    y.float().sum().backward()
    assert seen == [tallow.bfloat16] * 2 and layer.weight.grad.dtype == tallow.float32
