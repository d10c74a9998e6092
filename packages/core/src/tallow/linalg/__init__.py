"""Linear algebra: factors, equations, eigenvalues, norms, products and powers of matrices, as ``torch.linalg``.

    >>> import tallow
    >>> tallow.linalg.norm(tallow.tensor([3.0, 4.0]))
    tensor(5.)
    >>> tallow.linalg.solve(tallow.tensor([[2.0, 0.0], [1.0, 1.0]]), tallow.tensor([2.0, 3.0]))
    tensor([1., 2.])
"""

from __future__ import annotations

from typing import Any

from tallow import _LinAlgError as LinAlgError
from tallow import _ops
from tallow._core import Tensor

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lstsq", "lu", "lu_factor",
    "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot",
    "norm", "pinv", "qr", "slogdet", "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv",
    "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip

cholesky = _ops.packet("linalg_cholesky")
cholesky_ex = _ops.packet("linalg_cholesky_ex")
cond = _ops.packet("linalg_cond")
cross = _ops.packet("linalg_cross")
det = _ops.packet("linalg_det")
eig = _ops.packet("linalg_eig")
eigh = _ops.packet("linalg_eigh")
eigvals = _ops.packet("linalg_eigvals")
eigvalsh = _ops.packet("linalg_eigvalsh")
householder_product = _ops.packet("linalg_householder_product")
inv = _ops.packet("linalg_inv")
inv_ex = _ops.packet("linalg_inv_ex")
ldl_factor = _ops.packet("linalg_ldl_factor")
ldl_factor_ex = _ops.packet("linalg_ldl_factor_ex")
ldl_solve = _ops.packet("linalg_ldl_solve")
lstsq = _ops.packet("linalg_lstsq")
lu = _ops.packet("linalg_lu")
lu_factor = _ops.packet("linalg_lu_factor")
lu_factor_ex = _ops.packet("linalg_lu_factor_ex")
lu_solve = _ops.packet("linalg_lu_solve")
matmul = _ops.packet("matmul")
matrix_exp = _ops.packet("linalg_matrix_exp")
matrix_norm = _ops.packet("linalg_matrix_norm")
matrix_power = _ops.packet("linalg_matrix_power")
matrix_rank = _ops.packet("linalg_matrix_rank")
multi_dot = _ops.packet("linalg_multi_dot")
norm = _ops.packet("linalg_norm")
pinv = _ops.packet("linalg_pinv")
qr = _ops.packet("linalg_qr")
slogdet = _ops.packet("linalg_slogdet")
solve = _ops.packet("linalg_solve")
solve_ex = _ops.packet("linalg_solve_ex")
solve_triangular = _ops.packet("linalg_solve_triangular")
svd = _ops.packet("linalg_svd")
svdvals = _ops.packet("linalg_svdvals")
tensorinv = _ops.packet("linalg_tensorinv")
tensorsolve = _ops.packet("linalg_tensorsolve")
vander = _ops.packet("linalg_vander")
vecdot = _ops.packet("linalg_vecdot")
vector_norm = _ops.packet("linalg_vector_norm")

_diagonal = _ops.packet("diagonal")


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The diagonals of matrices, as a view: :func:`tallow.diagonal` with the last two dimensions by default."""
    return _diagonal(A, offset, dim1, dim2)
