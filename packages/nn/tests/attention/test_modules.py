"""Attention with several heads, and the transformer made of it."""

import math

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.nn.attention import SDPBackend, sdpa_kernel


def reference(module, query, key, value, mask=None):
    """(L, N, E) inputs through a module with one packed projection; mask (N, heads, L, S) is added."""
    w, b = module.in_proj_weight.detach().numpy(), module.in_proj_bias.detach().numpy()
    heads, size = module.num_heads, module.embed_dim
    parts = [t @ w_i.T + b_i for t, w_i, b_i in zip((query, key, value), np.split(w, 3), np.split(b, 3), strict=True)]
    q, k, v = (t.reshape(*t.shape[:2], heads, -1).transpose(1, 2, 0, 3) for t in parts)
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(size // heads) + (0 if mask is None else mask)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    joined = (weights @ v).transpose(2, 0, 1, 3).reshape(query.shape[0], -1, size)
    return joined @ module.out_proj.weight.detach().numpy().T + module.out_proj.bias.detach().numpy(), weights


def attention(**options):
    tallow.manual_seed(0)
    return nn.MultiheadAttention(8, 2, dtype=tallow.float64, **options)


def randn(*shape):
    return tallow.randn(*shape, dtype=tallow.float64)


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("kind", ["none", "two", "three", "padding", "both"])
def test_masks(need_weights, kind):
    module, q, k = attention(), randn(4, 3, 8), randn(5, 3, 8)
    options, added = {}, np.zeros((3, 2, 4, 5))
    closed = tallow.rand(4, 5) > 0.7
    if kind in ("two", "both"):
        options["attn_mask"] = closed
        added = added + np.where(closed.numpy(), -np.inf, 0)
    if kind == "three":
        options["attn_mask"] = randn(6, 4, 5)
        added = added + options["attn_mask"].numpy().reshape(3, 2, 4, 5)
    if kind in ("padding", "both"):
        options["key_padding_mask"] = tallow.tensor([[False] * 5, [False] * 4 + [True], [False] * 3 + [True] * 2])
        added = added + np.where(options["key_padding_mask"].numpy(), -np.inf, 0)[:, None, None]
    output, weights = module(q, k, k, need_weights=need_weights, **options)
    expected, expected_weights = reference(module, q.numpy(), k.numpy(), k.numpy(), added)
    np.testing.assert_allclose(output.detach().numpy(), expected, atol=1e-12)
    if need_weights:
        np.testing.assert_allclose(weights.detach().numpy(), expected_weights.mean(1), atol=1e-12)
        each = module(q, k, k, average_attn_weights=False, **options)[1]
        np.testing.assert_allclose(each.detach().numpy(), expected_weights, atol=1e-12)
    else:
        assert weights is None


@pytest.mark.parametrize(
    "options", [{}, {"kdim": 3, "vdim": 5}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"bias": False}]
)
def test_layouts_agree(options):
    module = attention(**options)
    q, k, v = randn(4, 3, 8), randn(5, 3, options.get("kdim", 8)), randn(5, 3, options.get("vdim", 8))
    output, weights = module(q, k, v)
    first = attention(batch_first=True, **options)
    swapped, same_weights = first(*(t.transpose(0, 1) for t in (q, k, v)))
    np.testing.assert_allclose(swapped.transpose(0, 1).detach().numpy(), output.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(same_weights.detach().numpy(), weights.detach().numpy(), atol=1e-12)
    alone, alone_weights = module(q[:, 1], k[:, 1], v[:, 1])
    np.testing.assert_allclose(alone.detach().numpy(), output[:, 1].detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(alone_weights.detach().numpy(), weights[1].detach().numpy(), atol=1e-12)
    fast, _ = module(q, k, v, need_weights=False)
    np.testing.assert_allclose(fast.detach().numpy(), output.detach().numpy(), atol=1e-12)


def test_the_causal_hint_stands_for_the_mask():
    module, x = attention(), randn(4, 3, 8)
    mask = nn.Transformer.generate_square_subsequent_mask(4, dtype=tallow.float64)
    hinted = module(x, x, x, attn_mask=mask, is_causal=True, need_weights=False)[0]
    np.testing.assert_allclose(hinted.detach().numpy(), module(x, x, x, attn_mask=mask)[0].detach().numpy(), atol=1e-12)
    with pytest.raises(RuntimeError, match="Need attn_mask if specifying the is_causal hint"):
        module(x, x, x, is_causal=True)


def test_names_and_initial_values():
    assert list(attention().state_dict()) == ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]
    separate = attention(kdim=3, add_bias_kv=True)
    names = ["in_proj_bias", "bias_k", "bias_v", "q_proj_weight", "k_proj_weight", "v_proj_weight"]
    assert sorted(separate.state_dict()) == sorted([*names, "out_proj.weight", "out_proj.bias"])
    assert separate.in_proj_bias.abs().sum().item() == 0 and separate.out_proj.bias.abs().sum().item() == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.MultiheadAttention(8, 3), AssertionError, "must be divisible by num_heads"),
        (lambda: nn.MultiheadAttention(0, 1), ValueError, "must be greater than 0, got embed_dim=0"),
        (lambda: attention()(*[randn(8)] * 3), AssertionError, "received 1-D query tensor"),
        (lambda: attention()(randn(4, 3, 8), randn(4, 8), randn(4, 8)), AssertionError, "to be 3-D but found 2-D"),
        (lambda: attention()(*[randn(4, 3, 6)] * 3), AssertionError, "embedding dimension of 8, but got 6"),
        (
            lambda: attention()(*[randn(4, 3, 8)] * 3, attn_mask=tallow.zeros(4, 5, dtype=tallow.bool)),
            RuntimeError,
            r"2D attn_mask is \(4, 5\), but should be \(4, 4\)",
        ),
        (
            lambda: attention()(*[randn(4, 3, 8)] * 3, key_padding_mask=tallow.zeros(3, 5, dtype=tallow.bool)),
            AssertionError,
            r"key_padding_mask shape of \(3, 4\), but got \(3, 5\)",
        ),
        (lambda: nn.TransformerEncoderLayer(8, 2, activation="tanh"), RuntimeError, "relu/gelu, not tanh"),
        (
            lambda: nn.Transformer(8, 2, 1, 1)(tallow.zeros(4, 2, 8), tallow.zeros(4, 3, 8)),
            RuntimeError,
            "batch number",
        ),
        (lambda: nn.Transformer(8, 2, 1, 1)(tallow.zeros(4, 2, 6), tallow.zeros(4, 2, 8)), RuntimeError, "d_model"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu", tallow.tanh])
def test_encoder_layer_is_made_of_its_parts(norm_first, activation):
    tallow.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, activation, norm_first=norm_first, dtype=tallow.float64)
    x = randn(4, 3, 8)
    act = {"relu": F.relu, "gelu": F.gelu}.get(activation, activation)
    attend = lambda y: layer.self_attn(y, y, y)[0]  # noqa: E731
    feed = lambda y: layer.linear2(act(layer.linear1(y)))  # noqa: E731
    if norm_first:
        y = x + attend(layer.norm1(x))
        y = y + feed(layer.norm2(y))
    else:
        y = layer.norm1(x + attend(x))
        y = layer.norm2(y + feed(y))
    np.testing.assert_allclose(layer(x).detach().numpy(), y.detach().numpy(), atol=1e-12)


@pytest.mark.parametrize("batch_first", [False, True])
def test_transformer(batch_first):
    tallow.manual_seed(0)
    model = nn.Transformer(8, 2, 2, 2, 16, dropout=0.0, batch_first=batch_first, dtype=tallow.float64)
    src, tgt = randn(5, 3, 8), randn(4, 3, 8)
    if batch_first:
        src, tgt = src.transpose(0, 1), tgt.transpose(0, 1)
    mask = model.generate_square_subsequent_mask(4, dtype=tallow.float64)
    padding = tallow.zeros(3, 5, dtype=tallow.bool)
    padding[1, 3:] = True
    masks = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
    output = model(src, tgt, tgt_mask=mask, **masks)
    memory = model.encoder(src, src_key_padding_mask=padding)
    again = model.decoder(tgt, memory, tgt_mask=mask, memory_key_padding_mask=padding)
    assert output.tolist() == again.tolist()
    # A target does not see later ones, nor padded sources.
    later = tgt.clone()
    later[(slice(None), 3) if batch_first else (3,)] = 7.0
    changed = model(src, later, tgt_mask=mask, **masks)
    first = (slice(None), slice(0, 3)) if batch_first else (slice(0, 3),)
    np.testing.assert_allclose(changed[first].detach().numpy(), output[first].detach().numpy(), atol=1e-12)
    output.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_stacks_copy_their_layer():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2, nn.LayerNorm(8))
    assert encoder.layers[0].linear1.weight is not encoder.layers[1].linear1.weight
    names = list(encoder.state_dict())
    assert names[0] == "layers.0.self_attn.in_proj_weight" and names[-1] == "norm.bias"
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2)
    assert "layers.1.multihead_attn.out_proj.bias" in decoder.state_dict()


def test_sdpa_kernel_is_accepted():
    x = tallow.ones(1, 2, 3, 4)
    plain = F.scaled_dot_product_attention(x, x, x).tolist()
    with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH], set_priority=True):
        assert F.scaled_dot_product_attention(x, x, x).tolist() == plain
    with pytest.raises(AssertionError, match="must be an instance of SDPBackend"), sdpa_kernel("flash"):
        pass
