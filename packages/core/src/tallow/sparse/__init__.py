"""Sparse tensors in coordinate format, as ``torch.sparse``: what they are made with, and products, sums, softmax.

    >>> import tallow
    >>> s = tallow.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.0], (2, 3))
    >>> tallow.sparse.mm(s, tallow.ones(3, 1)).tolist()
    [[3.0], [9.0]]

A sparse tensor holds `indices`, ``(sparse_dim, nnz)``, and `values`, ``(nnz, ...)``; its further dimensions, if any,
are those of the values. Indices may come in any order and more than once until :meth:`Tensor.coalesce` sorts and sums.
They are always checked to lie inside the shape.
"""

from __future__ import annotations

from tallow.sparse._construct import check_sparse_tensor_invariants, sparse_coo_tensor, spdiags
from tallow.sparse._ops import addmm, log_softmax, mm, softmax, sum

__all__ = [
    "addmm",
    "check_sparse_tensor_invariants",
    "log_softmax",
    "mm",
    "softmax",
    "sparse_coo_tensor",
    "spdiags",
    "sum",
]
