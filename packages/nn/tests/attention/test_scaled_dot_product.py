"""Scaled dot product attention against NumPy, in tiles and composed."""

import math

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F
from tallow import ops
from tallow.autograd import gradcheck, gradgradcheck


def reference(q, k, v, mask=None, causal=False, scale=None):
    scores = q @ np.swapaxes(k, -1, -2) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if causal:
        mask = np.tril(np.ones(scores.shape[-2:], bool))
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total) @ v


def operands(*shapes, dtype=tallow.float64):
    tallow.manual_seed(0)
    return [tallow.randn(*s, dtype=dtype, requires_grad=True) for s in shapes]


@pytest.mark.parametrize(
    ("query", "key", "value"),
    [
        ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)),
        ((1, 2, 150, 8), (1, 2, 300, 8), (1, 2, 300, 8)),  # several tiles both ways
        ((3, 1, 4), (3, 6, 4), (3, 6, 4)),  # one query
        ((5, 4), (6, 4), (6, 4)),
        ((2, 2, 3, 5, 4), (2, 2, 3, 5, 4), (2, 2, 3, 5, 4)),
        ((2, 3, 5, 4), (1, 3, 7, 4), (1, 3, 7, 4)),  # keys of a batch shared: composed
    ],
)
@pytest.mark.parametrize("causal", [False, True])
def test_values(query, key, value, causal):
    q, k, v = operands(query, key, value)
    result = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    expected = reference(*(t.detach().numpy() for t in (q, k, v)), causal=causal)
    np.testing.assert_allclose(result.detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(5, 7), (2, 1, 5, 7), (2, 3, 5, 7), (1, 1, 1, 7), (3, 5, 1)])
@pytest.mark.parametrize("boolean", [False, True])
def test_masks(shape, boolean):
    q, k, v = operands((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 4))
    mask = tallow.rand(*shape, dtype=tallow.float64) > 0.4 if boolean else tallow.randn(*shape, dtype=tallow.float64)
    result = F.scaled_dot_product_attention(q, k, v, mask, scale=0.3)
    expected = reference(*(t.detach().numpy() for t in (q, k, v)), mask=mask.numpy(), scale=0.3)
    np.testing.assert_allclose(result.detach().numpy(), expected, atol=1e-12)


def test_a_query_that_sees_no_key_gives_zeros():
    q, k, v = operands((1, 1, 3, 4), (1, 1, 3, 4), (1, 1, 3, 4))
    mask = tallow.ones(3, 3, dtype=tallow.bool)
    mask[1] = False
    result = F.scaled_dot_product_attention(q, k, v, mask)
    assert result[0, 0, 1].tolist() == [0.0] * 4
    result.sum().backward()
    assert q.grad[0, 0, 1].tolist() == [0.0] * 4 and bool(k.grad.isfinite().all())
    minus_infinity = tallow.full((3, 3), -math.inf, dtype=tallow.float64)
    assert F.scaled_dot_product_attention(q, k, v, minus_infinity).abs().sum().item() == 0


def test_heads_that_share_keys():
    q, k, v = operands((2, 6, 5, 4), (2, 2, 7, 4), (2, 2, 7, 4))
    result = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    plain = [t.detach().numpy() for t in (q, k, v)]
    expected = reference(plain[0], plain[1].repeat(3, 1), plain[2].repeat(3, 1))
    np.testing.assert_allclose(result.detach().numpy(), expected, atol=1e-12)
    small = operands((1, 4, 3, 2), (1, 2, 3, 2), (1, 2, 3, 2))
    assert gradcheck(lambda *a: F.scaled_dot_product_attention(*a, enable_gqa=True), small)
    with pytest.raises(RuntimeError, match="must divide that in query, got 6, 4 and 4"):
        F.scaled_dot_product_attention(*operands((1, 6, 3, 2), (1, 4, 3, 2), (1, 4, 3, 2)), enable_gqa=True)


@pytest.mark.parametrize("causal", [False, True])
def test_gradients(causal):
    inputs = operands((2, 2, 4, 3), (2, 2, 5, 3), (2, 2, 5, 2))
    assert gradcheck(lambda *a: F.scaled_dot_product_attention(*a, is_causal=causal), inputs)
    assert gradgradcheck(lambda *a: F.scaled_dot_product_attention(*a, is_causal=causal), inputs)


def test_gradient_of_an_additive_mask():
    inputs = operands((1, 2, 4, 3), (1, 2, 5, 3), (1, 2, 5, 2), (4, 5))
    assert gradcheck(F.scaled_dot_product_attention, inputs)


def test_tiles_agree_with_the_composition_in_gradients():
    shapes = (1, 2, 200, 8), (1, 2, 300, 8), (1, 2, 300, 4)
    tiled, composed = operands(*shapes), operands(*shapes)
    F.scaled_dot_product_attention(*tiled, is_causal=True).square().sum().backward()
    q, k, v = composed
    open = tallow.ones(200, 300, dtype=tallow.bool).tril()
    weights = (q @ k.transpose(-1, -2) / math.sqrt(8)).masked_fill(~open, -math.inf).softmax(-1)
    (weights @ v).square().sum().backward()
    for a, b in zip(tiled, composed, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), atol=1e-10)


@pytest.mark.parametrize("heads", [1, 12])
def test_same_bits_on_any_number_of_threads(heads):
    results = []
    for threads in (1, 2):
        tallow.set_num_threads(threads)
        inputs = operands(*[(1, heads, 700, 16)] * 3, dtype=tallow.float32)
        out = F.scaled_dot_product_attention(*inputs, is_causal=True)
        out.sum().backward()
        results.append([out.detach().numpy(), *(t.grad.numpy() for t in inputs)])
    assert all((a == b).all() for a, b in zip(*results, strict=True))


def test_strided_heads_are_read_in_place():
    x = tallow.randn(2, 5, 24, dtype=tallow.float64)
    q, k, v = (t.view(2, 5, 2, 4).transpose(1, 2) for t in x.split(8, dim=2))
    expected = reference(q.numpy(), k.numpy(), v.numpy())
    np.testing.assert_allclose(F.scaled_dot_product_attention(q, k, v).numpy(), expected, atol=1e-12)


def test_half_precision_and_empty():
    q, k, v = (tallow.randn(1, 2, 3, 4).to(tallow.bfloat16) for _ in range(3))
    assert F.scaled_dot_product_attention(q, k, v).dtype == tallow.bfloat16
    q, k, v = operands((2, 3, 0, 4), (2, 3, 5, 4), (2, 3, 5, 4))
    assert tuple(F.scaled_dot_product_attention(q, k, v).shape) == (2, 3, 0, 4)


def test_dropout_keeps_the_mean():
    tallow.manual_seed(0)
    q, k, v = tallow.zeros(1, 1, 2000, 4), tallow.zeros(1, 1, 8, 4), tallow.ones(1, 1, 8, 4)
    result = F.scaled_dot_product_attention(q, k, v, dropout_p=0.5)
    assert abs(result.mean().item() - 1) < 0.05 and result.var().item() > 0


def test_errors():
    q, k, v = operands((1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4))
    with pytest.raises(RuntimeError, match="should not be set when is_causal=True"):
        F.scaled_dot_product_attention(q, k, v, tallow.ones(3, 3, dtype=tallow.bool), is_causal=True)
    with pytest.raises(RuntimeError, match="to have the same dtype"):
        F.scaled_dot_product_attention(q.float(), k, v)
    with pytest.raises(RuntimeError, match="at least 2 dimensional"):
        F.scaled_dot_product_attention(q[0, 0, 0], k, v)


def test_gradients_of_other_shapes_are_refused():
    q, k, v = operands((1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 6))
    output, log_sum = ops.nn._tiled_attention(q, k, v, None, False, 0.5)
    with pytest.raises(RuntimeError, match=r"expected log_sum of shape \[1, 2, 3\], got \[1, 2, 2\]"):
        ops.nn._tiled_attention_gradients(output, q, k, v, None, False, 0.5, output, log_sum[:, :, :2])
    with pytest.raises(RuntimeError, match="do not fit together"):
        ops.nn._tiled_attention(q, k[:, :, :4], v, None, False, 0.5)
    with pytest.raises(RuntimeError, match="does not broadcast"):
        ops.nn._tiled_attention(q, k, v, tallow.zeros(1, 1, 3, 4, dtype=tallow.float64), False, 0.5)
