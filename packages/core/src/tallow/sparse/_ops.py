"""What the functions of ``tallow.sparse`` do beyond the ops they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tallow
from tallow import Tensor, _ops, dtype

_from_parts = _ops.packet("_sparse_coo_tensor")


def mm(mat1: Tensor, mat2: Tensor, reduce: str | None = None) -> Tensor:
    """The matrix product of two matrices, at least one of which is sparse.

    Args:
        mat1: ``(n, m)``.
        mat2: ``(m, p)``.
        reduce: other reductions than the sum are for layouts that are not supported.

    Returns:
        ``(n, p)``, dense; sparse if both matrices are.

    The gradient of a sparse matrix is sparse, with elements where the matrix has them.

    >>> import tallow
    >>> eye = tallow.eye(2).to_sparse()
    >>> tallow.sparse.mm(eye, tallow.tensor([[1.0], [2.0]])).tolist()
    [[1.0], [2.0]]
    """
    if reduce is not None:
        raise NotImplementedError("sparse.mm: reduce belongs to tallow.sparse_csr, a layout that is not supported")
    return tallow.mm(mat1, mat2)


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * mat + alpha * mat1 @ mat2`` with a sparse `mat1`.

    >>> import tallow
    >>> eye = tallow.eye(2).to_sparse()
    >>> tallow.sparse.addmm(tallow.ones(2, 1), eye, tallow.ones(2, 1), alpha=2).tolist()
    [[3.0], [3.0]]
    """
    return tallow.addmm(mat, mat1, mat2, beta=beta, alpha=alpha)


def sum(input: Tensor, dim: int | Sequence[int] | None = None, dtype: dtype | None = None) -> Tensor:
    """The sum of a sparse tensor over all its dimensions, or over `dim`.

    Returns:
        A dense tensor where every sparse dimension was summed over, otherwise a sparse one. The gradient is sparse,
        with elements where `input` has them.

    >>> import tallow
    >>> tallow.sparse.sum(tallow.eye(2).to_sparse())
    tensor(2.)
    """
    if not input.is_sparse:
        raise RuntimeError("sparse.sum: expected a tensor of layout tallow.sparse_coo, got tallow.strided")
    return _ops.packet("_sparse_sum")(input, dim, dtype=dtype)


def _softmax(input: Tensor, dim: int, dtype: dtype | None, log: bool) -> Tensor:
    if not input.is_sparse:
        raise RuntimeError("sparse.softmax: expected a tensor of layout tallow.sparse_coo, got tallow.strided")
    if not -input.dim() <= dim < input.dim():
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-input.dim()}, {input.dim() - 1}], but got {dim})"
        )
    dim %= input.dim()
    x = (input if dtype is None else input.to(dtype)).coalesce()
    indices, values = x.indices(), x.values()
    if dim >= x.sparse_dim():
        function = tallow.log_softmax if log else tallow.softmax
        return _from_parts(indices, function(values, dim - x.sparse_dim() + 1), tuple(x.shape), True)
    # Elements that share all other indices stand in one line.
    others = [d for d in range(x.sparse_dim()) if d != dim]
    line = tallow.zeros(x._nnz(), dtype=tallow.int64)
    for d in others:
        line = line * x.size(d) + indices[d]
    line = tallow.unique(line, return_inverse=True)[1]
    lines = int(line.max()) + 1 if line.numel() else 0
    shape = (lines, *values.shape[1:])
    with tallow.no_grad():
        top = values.new_full(shape, float("-inf")).index_reduce(0, line, values.detach(), "amax")
    shifted = values - top.index_select(0, line)
    total = values.new_zeros(shape).index_add(0, line, shifted.exp())
    total = total.index_select(0, line)
    return _from_parts(indices, shifted - total.log() if log else shifted.exp() / total, tuple(x.shape), True)


def softmax(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """Softmax along `dim` over the elements that a sparse tensor holds; the others count as minus infinity.

    >>> import tallow
    >>> tallow.sparse.softmax(tallow.tensor([[5.0, 5.0, 0.0]]).to_sparse(), 1).values().tolist()
    [0.5, 0.5]
    """
    return _softmax(input, dim, dtype, log=False)


def log_softmax(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """The logarithm of :func:`softmax`.

    >>> import tallow
    >>> tallow.sparse.log_softmax(tallow.tensor([[5.0, 0.0, 0.0]]).to_sparse(), 1).values().tolist()
    [0.0]
    """
    return _softmax(input, dim, dtype, log=True)
