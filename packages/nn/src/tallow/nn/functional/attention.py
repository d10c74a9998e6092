"""Attention."""

from __future__ import annotations

import math
import warnings

import tallow
from tallow import Tensor, ops

from .linear import linear
from .pad import pad

_ops = ops.nn


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """``softmax(query @ key.T * scale + mask) @ value`` (Vaswani et al., 2017).

    In float32 and float64, without dropout, scores are made tile by tile and never kept: memory grows with the
    lengths, not with their product (Dao et al., "FlashAttention", 2022).

    Args:
        query, key, value: ``(..., L, E)``, ``(..., S, E)``, ``(..., S, Ev)``; the result is ``(..., L, Ev)``.
        attn_mask: broadcast to ``(..., L, S)``; boolean (True takes part) or added to the scores. A query that sees
            no key gives zeros.
        dropout_p: probability of dropping a weight; applied always, so pass 0 in evaluation.
        is_causal: each query sees keys up to its own position; `attn_mask` must be None then.
        scale: default ``1 / sqrt(E)``.
        enable_gqa: key and value may have fewer heads, each shared by a group of query heads.

    Raises:
        RuntimeError: if dtypes differ, heads cannot be shared out, or both a mask and `is_causal` are given.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> x = tallow.ones(1, 2, 5, 4)
    >>> tuple(F.scaled_dot_product_attention(x, x, x, is_causal=True).shape)
    (1, 2, 5, 4)
    """
    return _ops.scaled_dot_product_attention(
        query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
    )


def canonical_mask(
    mask: Tensor | None, name: str, dtype: tallow.dtype, other: Tensor | None = None, other_name: str = ""
) -> Tensor | None:
    """A mask that can be added to scores: minus infinity where a boolean mask is True, which here means closed."""
    if mask is None:
        return None
    if mask.dtype != tallow.bool and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported, got {mask.dtype}")
    if other is not None and other.dtype != mask.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=3,
        )
    if mask.is_floating_point():
        return mask
    return tallow.zeros_like(mask, dtype=dtype).masked_fill_(mask, -math.inf)


def _check_shapes(
    query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, mask: Tensor | None, heads: int
) -> bool:
    """Whether there is a batch; raises unless all arguments agree on that."""
    dims = query.dim()
    if dims not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {dims}-D query tensor")
    batched = dims == 3
    kind = "batched (3-D)" if batched else "unbatched (2-D)"
    if key.dim() != dims or value.dim() != dims:
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {dims}-D but found {key.dim()}-D and "
            f"{value.dim()}-D tensors respectively"
        )
    if padding is not None and padding.dim() != dims - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {dims - 1}-D but found "
            f"{padding.dim()}-D tensor instead"
        )
    if mask is not None:
        if mask.dim() not in (2, 3):
            raise AssertionError(
                f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {mask.dim()}-D tensor"
            )
        expected = (heads, query.shape[0], key.shape[0])
        if not batched and mask.dim() == 3 and tuple(mask.shape) != expected:
            raise AssertionError(f"Expected `attn_mask` shape to be {expected} but got {tuple(mask.shape)}")
    return batched


def _is_batch_major(t: Tensor) -> bool:
    """Whether ``(L, N, E)`` is a view of ``(N, L, E)`` as it lies in memory."""
    return not t.is_contiguous() and t.transpose(0, 1).is_contiguous()


def _project(t: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """:func:`linear`, in the order in which `t` lies in memory."""
    return linear(t.transpose(0, 1), w, b).transpose(0, 1) if _is_batch_major(t) else linear(t, w, b)


def _project_packed(q: Tensor, k: Tensor, v: Tensor, w: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """The three projections whose weights lie above each other, in as few products as the inputs allow."""
    size = q.size(-1)
    if k is v and q is k:
        a, c, d = _project(q, w, b).chunk(3, -1)
        return a, c, d
    if k is v:
        w_q, w_kv = w.split([size, 2 * size])
        b_q, b_kv = (None, None) if b is None else b.split([size, 2 * size])
        c, d = _project(k, w_kv, b_kv).chunk(2, -1)
        return _project(q, w_q, b_q), c, d
    b_q, b_k, b_v = (None, None, None) if b is None else b.chunk(3)
    w_q, w_k, w_v = w.chunk(3)
    return _project(q, w_q, b_q), _project(k, w_k, b_k), _project(v, w_v, b_v)


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """What :class:`tallow.nn.MultiheadAttention` computes, with its parameters as arguments.

    Args:
        query, key, value: ``(L, N, E)``, ``(S, N, Ek)``, ``(S, N, Ev)``, or all without N.
        key_padding_mask: ``(N, S)``: True, or minus infinity, closes a key.
        attn_mask: ``(L, S)`` or ``(N * heads, L, S)``: True closes a pair, numbers are added to its score.
        is_causal: a hint that `attn_mask` is the causal mask, which then need not be read.
        static_k, static_v: projected keys and values, ``(N * heads, S, E / heads)``, used instead.

    Returns:
        The output, ``(L, N, E)``, and, if `need_weights`, the weights ``(N, L, S)``, or ``(N, heads, L, S)`` if not
        averaged over the heads.

    Raises:
        AssertionError: if dimensions do not fit.
        RuntimeError: if `is_causal` without `attn_mask`, or `attn_mask` has another shape.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> x = tallow.ones(5, 2, 4)
    >>> w, b = tallow.ones(12, 4), tallow.zeros(12)
    >>> out = (tallow.eye(4), tallow.zeros(4))
    >>> output, weights = F.multi_head_attention_forward(x, x, x, 4, 2, w, b, None, None, False, 0.0, *out)
    >>> tuple(output.shape), tuple(weights.shape)
    ((5, 2, 4), (2, 5, 5))
    """
    batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        alone = query.unsqueeze(1)
        key_alone = alone if key is query else key.unsqueeze(1)
        value = key_alone if value is key else value.unsqueeze(1)
        query, key = alone, key_alone
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    targets, batch, size = query.shape
    sources = key.shape[0]
    batch_major = _is_batch_major(query)
    key_padding_mask = canonical_mask(key_padding_mask, "key_padding_mask", query.dtype, attn_mask, "attn_mask")
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None  # the hint stands for it
    else:
        attn_mask = canonical_mask(attn_mask, "attn_mask", query.dtype)
        is_causal = is_causal and key_padding_mask is None
    if size != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {size}")
    head_size = size // num_heads
    if head_size * num_heads != size:
        raise AssertionError(f"embed_dim {size} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if tuple(key.shape[:2]) != tuple(value.shape[:2]):
            raise AssertionError(
                f"key's sequence and batch dims {tuple(key.shape[:2])} do not match value's {tuple(value.shape[:2])}"
            )
    elif tuple(key.shape) != tuple(value.shape):
        raise AssertionError(f"key shape {tuple(key.shape)} does not match value shape {tuple(value.shape)}")

    if use_separate_proj_weight:
        b_q, b_k, b_v = (None, None, None) if in_proj_bias is None else in_proj_bias.chunk(3)
        projected = []
        for name, t, w, b in zip(
            "qkv", (query, key, value), (q_proj_weight, k_proj_weight, v_proj_weight), (b_q, b_k, b_v), strict=True
        ):
            if w is None:
                raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
            projected.append(_project(t, w, b))
        q, k, v = projected
    else:
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _project_packed(query, key, value, in_proj_weight, in_proj_bias)

    if attn_mask is not None:
        expected = (targets, sources) if attn_mask.dim() == 2 else (batch * num_heads, targets, sources)
        if tuple(attn_mask.shape) != expected:
            raise RuntimeError(
                f"The shape of the {attn_mask.dim()}D attn_mask is {tuple(attn_mask.shape)}, but should be {expected}."
            )
        if attn_mask.dim() == 2:
            attn_mask = attn_mask.unsqueeze(0)

    if (bias_k is None) != (bias_v is None):
        raise AssertionError("bias_k and bias_v must be given together")
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError("bias cannot be added to static key or value.")
        k = tallow.cat([k, bias_k.expand(1, batch, size)])
        v = tallow.cat([v, bias_v.expand(1, batch, size)])

    def heads(t: Tensor) -> Tensor:  # (N, heads, L, E / heads), a view
        return t.unflatten(-1, (num_heads, head_size)).permute(1, 2, 0, 3)

    def static(t: Tensor, name: str) -> Tensor:
        if t.size(0) != batch * num_heads or t.size(2) != head_size:
            raise AssertionError(
                f"expecting {name} of sizes {batch * num_heads}, *, {head_size}, but got {tuple(t.shape)}"
            )
        return t.reshape(batch, num_heads, t.size(1), head_size)

    q = heads(q)
    k = heads(k) if static_k is None else static(static_k, "static_k")
    v = heads(v) if static_v is None else static(static_v, "static_v")
    if add_zero_attn:
        zero = tallow.zeros((batch, num_heads, 1, head_size), dtype=k.dtype, device=k.device)
        k, v = tallow.cat([k, zero], 2), tallow.cat([v, zero], 2)
    extra = int(bias_k is not None) + int(add_zero_attn)  # keys that are open to every query
    if extra:
        attn_mask = None if attn_mask is None else pad(attn_mask, (0, extra))
        key_padding_mask = None if key_padding_mask is None else pad(key_padding_mask, (0, extra))
    sources = k.size(2)
    if key_padding_mask is not None:
        if tuple(key_padding_mask.shape) != (batch, sources):
            raise AssertionError(
                f"expecting key_padding_mask shape of {(batch, sources)}, but got {tuple(key_padding_mask.shape)}"
            )
        closed = key_padding_mask.view(batch, 1, 1, sources)
        if attn_mask is None:
            mask: Tensor | None = closed
        elif attn_mask.size(0) == 1:
            mask = attn_mask.unsqueeze(0) + closed
        else:
            mask = attn_mask.view(batch, num_heads, targets, sources) + closed
    elif attn_mask is not None and attn_mask.size(0) != 1:
        mask = attn_mask.view(batch, num_heads, targets, sources)
    else:
        mask = None if attn_mask is None else attn_mask.unsqueeze(0)
    dropout = dropout_p if training else 0.0

    def output_of(joined: Tensor) -> Tensor:
        if batch_major:
            return linear(joined.transpose(1, 2).reshape(batch, targets, size), *out_proj).transpose(0, 1)
        return linear(joined.permute(2, 0, 1, 3).reshape(targets, batch, size), *out_proj)

    out_proj = (out_proj_weight, out_proj_bias)
    if not need_weights:
        output = output_of(scaled_dot_product_attention(q, k, v, mask, dropout, is_causal))
        return (output if batched else output.squeeze(1)), None
    scores = (q * math.sqrt(1.0 / head_size)) @ k.transpose(-2, -1)
    weights = (scores if mask is None else scores + mask).softmax(-1)
    if dropout > 0:
        weights = _ops.dropout(weights, dropout, True)
    output = output_of(weights @ v)
    if average_attn_weights:
        weights = weights.mean(1)
    return (output, weights) if batched else (output.squeeze(1), weights.squeeze(0))
