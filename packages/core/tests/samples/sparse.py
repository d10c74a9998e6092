"""Sparse tensors have tests of their own: rows are of dense arrays."""

from __future__ import annotations

from . import Sample

ROWS: list[Sample] = []

_WHY = "tests/sparse covers it"
EXEMPT = dict.fromkeys(
    [
        "indices",
        "values",
        "is_coalesced",
        "sparse_dim",
        "dense_dim",
        "to_dense",
        "to_sparse",
        "coalesce",
        "sparse_mask",
    ],
    _WHY,
)
