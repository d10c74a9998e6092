"""What sparse tensors do otherwise than dense ones, among the methods of ``Tensor`` that are written in Python."""

from __future__ import annotations

from typing import Any

from tallow import _ops
from tallow._core import Tensor


def refuse_numpy(t: Tensor) -> Tensor:
    if t.is_sparse:
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")
    return t


def rebuild(indices: Tensor, values: Tensor, size: Any, coalesced: bool, requires_grad: bool) -> Tensor:
    t = _ops.packet("_sparse_coo_tensor")(indices, values, size, coalesced)
    return t.requires_grad_() if requires_grad else t


def reduce(t: Tensor) -> Any:
    """What a pickle holds of a sparse tensor: its parts."""
    return rebuild, (t._indices(), t._values(), tuple(t.shape), t.is_coalesced(), t.requires_grad)


def to_sparse_csr(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """A ``NotImplementedError``: of the sparse layouts there is ``tallow.sparse_coo``, which ``to_sparse()`` gives."""
    raise NotImplementedError(
        "to_sparse_csr: compressed layouts (CSR, CSC, BSR, BSC) are not supported: use to_sparse(), which gives "
        "tallow.sparse_coo"
    )
