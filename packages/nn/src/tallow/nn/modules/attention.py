"""Attention with several heads."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Tensor

from .. import functional as F
from .. import init
from ..functional.attention import canonical_mask
from ..parameter import Parameter
from .linear import NonDynamicallyQuantizableLinear
from .module import Module

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """``concat(head_1, ..., head_h) W_o`` with ``head_i = attention(Q W_i^Q, K W_i^K, V W_i^V)`` (Vaswani et al. 2017).

    Args:
        embed_dim: features of the queries and of the result, shared out among the heads.
        num_heads: how many heads there are; divides `embed_dim`.
        dropout: probability of dropping an attention weight in training.
        bias: whether projections have biases.
        add_bias_kv: append a learned key and value.
        add_zero_attn: append a key and a value of zeros.
        kdim, vdim: features of keys and values. Default: `embed_dim`.
        batch_first: tensors are ``(N, L, E)`` instead of ``(L, N, E)``.

    Called with query ``(L, N, E)``, key ``(S, N, kdim)``, value ``(S, N, vdim)``, or all without N, it gives the output
    ``(L, N, E)`` and the weights ``(N, L, S)``, or None if not `need_weights`, which is faster. In `key_padding_mask`,
    ``(N, S)``, and `attn_mask`, ``(L, S)`` or ``(N * heads, L, S)``, True closes and numbers are added to the scores.

    >>> import tallow
    >>> from tallow import nn
    >>> x = tallow.randn(5, 2, 8)
    >>> output, weights = nn.MultiheadAttention(8, 4)(x, x, x)
    >>> tuple(output.shape), tuple(weights.shape)
    ((5, 2, 8), (2, 5, 5))
    """

    bias_k: Tensor | None
    bias_v: Tensor | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0, "
                f"got embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = kdim if kdim is not None else embed_dim
        self.vdim = vdim if vdim is not None else embed_dim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")

        def parameter(*shape: int) -> Parameter:
            return Parameter(tallow.empty(shape, device=device, dtype=dtype))

        same = self._qkv_same_embed_dim
        separate = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        for name, features in separate.items():
            self.register_parameter(name, None if same else parameter(embed_dim, features))
        self.register_parameter("in_proj_weight", parameter(3 * embed_dim, embed_dim) if same else None)
        self.register_parameter("in_proj_bias", parameter(3 * embed_dim) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        if add_bias_kv:
            self.bias_k = parameter(1, 1, embed_dim)
            self.bias_v = parameter(1, 1, embed_dim)
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        swap = self.batch_first and query.dim() == 3
        if swap:  # the same tensor stays the same tensor: fewer products are needed then
            swapped = {id(t): t.transpose(0, 1) for t in (query, key, value)}
            query, key, value = (swapped[id(t)] for t in (query, key, value))
        output, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (output.transpose(0, 1) if swap else output), weights

    def merge_masks(
        self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, query: Tensor
    ) -> tuple[Tensor | None, int | None]:
        """One additive mask, ``(N, heads, L, L)`` or ``(N, L)``, of both, and which they were: 0, 1 or 2, or None.

        `query` is ``(N, L, E)``.
        """
        padding = canonical_mask(key_padding_mask, "key_padding_mask", query.dtype)
        mask = canonical_mask(attn_mask, "attn_mask", query.dtype)
        if mask is None:
            return padding, None if padding is None else 1
        batch, length = query.shape[:2]
        if mask.dim() == 3:
            merged = mask.view(batch, -1, length, length)
        else:
            merged = mask.view(1, 1, length, length).expand(batch, self.num_heads, length, length)
        if padding is not None:
            merged = merged + padding.view(batch, 1, 1, length)
        return merged, 2
