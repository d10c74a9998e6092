"""Samples of the family sparse: functions of dense tensors that pass through sparse ones."""

from __future__ import annotations

import tallow
from samples import int64, row
from tallow import Tensor

INDICES = int64([[0, 2, 0], [1, 0, 1]])  # one place occurs twice


def coo(values: Tensor, *size: int) -> Tensor:
    return tallow.sparse_coo_tensor(INDICES, values, size or (3, 2, *values.shape[1:]))


def pattern() -> Tensor:
    return tallow.sparse_coo_tensor(INDICES, tallow.ones(3, dtype=tallow.float64), (3, 2))


ROWS = [
    row("_sparse_coo_tensor _sparse_to_dense", lambda v: coo(v).to_dense(), (3,), kinds="rc"),
    row("_sparse_coo_tensor _sparse_to_dense", lambda v: coo(v).to_dense(), (3, 2)),
    row("coalesce values", lambda v: coo(v).coalesce().values(), (3,), kinds="rc"),
    row("coalesce values", lambda v: coo(v).coalesce().values(), (3, 2)),
    row("to_sparse", lambda x: x.to_sparse().to_dense(), (3, 2), kinds="rc"),
    row("to_sparse", lambda x: x.to_sparse(1).values(), (3, 2)),
    row("sparse_mask", lambda x: x.sparse_mask(pattern()).values(), (3, 2), kinds="rc"),
    row("sparse_mask", lambda v: coo(v).sparse_mask(pattern()).to_dense(), (3,)),
    row("_sparse_values_at", lambda x: tallow._ops.packet("_sparse_values_at")(x, INDICES), (3, 2), kinds="rc"),
    row("_sparse_values_at", lambda v: tallow._ops.packet("_sparse_values_at")(coo(v), INDICES), (3,)),
    row("add", lambda x, v: (x + coo(v)) * x, (3, 2), (3,)),
    row("add", lambda v, w: (coo(v) + coo(w)).to_dense() ** 2, (3,), (3,)),
    row("sub", lambda x, v: x - coo(v), (3, 2), (3,)),
    row("mul", lambda x, v: (x * coo(v)).to_dense(), (3, 2), (3,)),
    row("mul", lambda v, w: (coo(v) * coo(w)).to_dense(), (3,), (3,)),
    row("mul", lambda v: (coo(v) * 3.0).to_dense(), (3,)),
    row("div", lambda v: (coo(v) / 3.0).to_dense(), (3,)),
    row("neg", lambda v: (-coo(v)).to_dense(), (3,)),
    row("_sparse_sum", lambda v: tallow.sparse.sum(coo(v)), (3,)),
    row("_sparse_sum", lambda v: tallow.sparse.sum(coo(v), 0).to_dense(), (3, 2)),
    row("mm", lambda v, y: tallow.sparse.mm(coo(v), y), (3,), (2, 2), kinds="rc"),
    row("mm", lambda y, v: tallow.mm(y, coo(v)), (2, 3), (3,)),
    row("gather", lambda x: x.gather(1, int64([[0, 0], [2, 1]]), sparse_grad=True), (2, 3), twice=False),
]
