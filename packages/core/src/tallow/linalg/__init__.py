"""Linear algebra: norms, products and powers of matrices, as ``torch.linalg``.

    >>> import tallow
    >>> tallow.linalg.norm(tallow.tensor([3.0, 4.0]))
    tensor(5.)
"""

from __future__ import annotations

from typing import Any

from tallow import _LinAlgError as LinAlgError
from tallow import _ops
from tallow._core import Tensor

__all__ = [
    "LinAlgError", "cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "multi_dot", "norm", "vecdot",
    "vector_norm",
]  # fmt: skip

cross = _ops.packet("linalg_cross")
matmul = _ops.packet("matmul")
matrix_norm = _ops.packet("linalg_matrix_norm")
matrix_power = _ops.packet("linalg_matrix_power")
multi_dot = _ops.packet("linalg_multi_dot")
norm = _ops.packet("linalg_norm")
vecdot = _ops.packet("linalg_vecdot")
vector_norm = _ops.packet("linalg_vector_norm")

_diagonal = _ops.packet("diagonal")


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The diagonals of matrices, as a view: :func:`tallow.diagonal` with the last two dimensions by default."""
    return _diagonal(A, offset, dim1, dim2)
