"""Attention."""

from __future__ import annotations

from tallow import Tensor, ops

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

    Args:
        query, key, value: ``(..., L, E)``, ``(..., S, E)``, ``(..., S, Ev)``; the result is ``(..., L, Ev)``.
        attn_mask: broadcast to ``(..., L, S)``; boolean (True takes part) or added to the scores.
        dropout_p: probability of dropping a weight; applied always, so pass 0 in evaluation.
        is_causal: each query sees keys up to its own position; `attn_mask` must be None then.
        scale: default ``1 / sqrt(E)``.
        enable_gqa: key and value may have fewer heads, each shared by a group of query heads.
    """
    return _ops.scaled_dot_product_attention(
        query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
    )
