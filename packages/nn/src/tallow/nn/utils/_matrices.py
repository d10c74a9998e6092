"""Decompositions of matrices that core does not have, in terms of its ops. Every function takes batches of matrices."""

from __future__ import annotations

import math
from typing import Any

import tallow
from tallow import Tensor


def householder_qr(a: Tensor) -> tuple[Tensor, Tensor]:
    """The reflections that make ``a`` of shape ``(*, n, k)``, n >= k, triangular (Golub and Van Loan, algorithm 5.2.1).

    Returns R on and above the diagonal with the reflections' vectors below it (their first element is 1), and their
    factors ``tau`` of shape ``(*, k)``: ``Q = H_1 ... H_k`` with ``H_i = 1 - tau_i v_i v_i^T``. Not differentiable.
    """
    with tallow.no_grad():
        packed = a.detach().clone()
        factors = []
        for i in range(a.size(-1)):
            column = packed[..., i:, i]
            first, rest = column[..., :1], column[..., 1:]
            norm = column.norm(dim=-1, keepdim=True)
            reflects = (rest.abs().sum(-1, keepdim=True) if rest.size(-1) else tallow.zeros_like(first)) != 0
            target = tallow.where(first >= 0, -norm, norm)  # away from `first`, so that nothing cancels
            tau = tallow.where(reflects, (target - first) / tallow.where(reflects, target, 1.0), 0.0)
            tail = tallow.where(reflects, rest / tallow.where(reflects, first - target, 1.0), 0.0)
            vector = tallow.cat([tallow.ones_like(first), tail], -1)
            block = packed[..., i:, i:]
            block -= (tau * vector).unsqueeze(-1) * (vector.unsqueeze(-2) @ block)
            packed[..., i + 1 :, i] = tail
            factors.append(tau.squeeze(-1))
        tau = tallow.stack(factors, -1) if factors else packed.new_empty((*a.shape[:-2], 0))
        return packed, tau


def householder_product(packed: Tensor, tau: Tensor) -> Tensor:
    """The first k columns of ``H_1 ... H_k``, from what :func:`householder_qr` returns; differentiable."""
    n, k = packed.size(-2), packed.size(-1)
    identity = tallow.eye(n, k, dtype=packed.dtype, device=packed.device)
    vectors = packed.tril(-1) + identity
    product = identity.expand(packed.shape)
    for i in reversed(range(k)):
        vector = vectors[..., i : i + 1]
        product = product - tau[..., i, None, None] * vector @ (vector.mT @ product)
    return product


def orthogonalized(a: Tensor) -> Tensor:
    """Q of ``a = Q R`` with a positive diagonal of R."""
    packed, tau = householder_qr(a)
    return householder_product(packed, tau) * packed.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def matrix_exp(a: Tensor) -> Tensor:
    """The matrix exponential, by its series for ``a / 2**s`` and s squarings (Moler and Van Loan, 2003, method 3)."""
    with tallow.no_grad():
        largest = a.abs().sum(-1).amax().item() if a.numel() else 0.0
    squarings = max(0, math.ceil(math.log2(largest / 0.5))) if largest > 0.5 else 0
    scaled = a / 2**squarings
    identity = tallow.eye(a.size(-1), dtype=a.dtype, device=a.device)
    result = identity.expand(a.shape)
    for k in range(18, 0, -1):  # 0.5**19 / 19! is below the precision of double
        result = identity + scaled @ result / k
    for _ in range(squarings):
        result = result @ result
    return result


def cayley(a: Tensor) -> Tensor:
    """``(1 - a/2)^-1 (1 + a/2)``, which is orthogonal for a skew-symmetric `a`."""
    return _Cayley.apply(a / 2)


class _Cayley(tallow.autograd.Function):
    """``Q = (1 - b)^-1 (1 + b)`` of a skew-symmetric b; ``(1 - b)^-1 = (1 + Q) / 2``, so the gradient needs Q only."""

    @staticmethod
    def forward(ctx: Any, b: Tensor) -> Tensor:
        identity = tallow.eye(b.size(-1), dtype=b.dtype, device=b.device)
        left, q = (identity - b).clone(), (identity + b).clone()
        # Elimination without pivots: the symmetric part on the left is the identity, so no pivot is below 1.
        for i in range(b.size(-1)):
            pivot = left[..., i : i + 1, i : i + 1].clone()
            rows = left[..., i : i + 1, :] / pivot, q[..., i : i + 1, :] / pivot
            column = left[..., i : i + 1].clone()
            column[..., i, :] = 0
            left -= column * rows[0]
            q -= column * rows[1]
            left[..., i : i + 1, :], q[..., i : i + 1, :] = rows
        ctx.save_for_backward(q)
        return q

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (q,) = ctx.saved_tensors
        both = (tallow.eye(q.size(-1), dtype=q.dtype, device=q.device) + q).mT
        return both @ grad @ both / 2
