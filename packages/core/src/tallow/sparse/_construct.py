"""Making sparse tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tallow
from tallow import Tensor, _ops, dtype

_from_parts = _ops.packet("_sparse_coo_tensor")


class check_sparse_tensor_invariants:
    """Whether constructors also check what users say of their indices: ``is_coalesced=True``.

    That indices lie inside the shape is always checked, whatever is set here. A context manager and a decorator;
    ``enable()``, ``disable()`` and ``is_enabled()`` set and ask for the whole process.

    >>> import tallow
    >>> with tallow.sparse.check_sparse_tensor_invariants():
    ...     tallow.sparse_coo_tensor([[1, 1]], [1.0, 2.0], (2,), is_coalesced=True)
    Traceback (most recent call last):
    RuntimeError: cannot set is_coalesced to true if indices correspond to uncoalesced COO tensor
    """

    _enabled = False

    @staticmethod
    def is_enabled() -> bool:
        return check_sparse_tensor_invariants._enabled

    @staticmethod
    def enable() -> None:
        check_sparse_tensor_invariants._enabled = True

    @staticmethod
    def disable() -> None:
        check_sparse_tensor_invariants._enabled = False

    def __init__(self, enable: bool = True) -> None:
        self.state = enable
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(self.is_enabled())
        check_sparse_tensor_invariants._enabled = self.state

    def __exit__(self, *exception: object) -> None:
        check_sparse_tensor_invariants._enabled = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self.state):
                return function(*args, **kwargs)

        return wrapped


def _as_indices(indices: Any, device: Any) -> Tensor:
    if not isinstance(indices, Tensor):
        indices = tallow.tensor(indices, device=device)
    return indices.detach().to(tallow.int64)


def _as_values(values: Any, dtype: dtype | None, device: Any) -> Tensor:
    if not isinstance(values, Tensor):
        values = tallow.tensor(values, dtype=dtype, device=device)
    elif dtype is not None or device is not None:
        values = values.to(device=device, dtype=dtype)
    return values.unsqueeze(0) if values.dim() == 0 else values


def _smallest_size(indices: Tensor, values: Tensor) -> tuple[int, ...]:
    """The size that the largest index in each dimension asks for."""
    if indices.dim() != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(indices.shape)}")
    if indices.size(1) == 0:
        sparse = [0] * indices.size(0)
    else:
        lowest = indices.amin(1).tolist()
        for d, index in enumerate(lowest):
            if index < 0:
                raise RuntimeError(f"found negative index {index} for dim {d}")
        sparse = [largest + 1 for largest in indices.amax(1).tolist()]
    return (*sparse, *values.shape[1:])


def sparse_coo_tensor(
    indices: Any = None,
    values: Any = None,
    size: Sequence[int] | None = None,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Tensor:
    """A sparse tensor of the given elements.

    Args:
        indices: ``(sparse_dim, nnz)``, a tensor or nested lists: where the elements stand. Integers of any kind.
        values: ``(nnz, *dense)``: the elements; gradients flow to them.
        size: the shape, ``sparse_dim + len(dense)`` dimensions. Default: the smallest that holds the indices. Given
            alone, a tensor without elements.
        dtype, device: of the values; default: theirs.
        is_coalesced: True says that the indices are sorted and none occurs twice.
        check_invariants: whether to check that; default: see :class:`tallow.sparse.check_sparse_tensor_invariants`.

    Raises:
        RuntimeError: if shapes do not fit each other, or an index lies outside `size`.

    >>> import tallow
    >>> tallow.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0])
    tensor(indices=tensor([[0, 1],
                           [2, 0]]),
           values=tensor([3., 4.]),
           size=(2, 3), nnz=2, layout=tallow.sparse_coo)
    """
    if pin_memory:
        raise RuntimeError("sparse_coo_tensor: pin_memory: there is no accelerator to copy to")
    if values is None:
        if size is None:
            size, indices = indices, None
        if indices is not None or size is None:
            raise TypeError("sparse_coo_tensor(): expected indices and values, a size, or all three")
        empty = tallow.zeros(tuple(size), dtype=dtype, layout=tallow.sparse_coo, device=device)
        return empty.requires_grad_() if requires_grad else empty
    values = _as_values(values, dtype, device)
    indices = _as_indices(indices, values.device)
    if size is None:
        size = _smallest_size(indices, values)
    out = _from_parts(indices, values, tuple(size), bool(is_coalesced))
    if check_invariants is None:
        check_invariants = check_sparse_tensor_invariants.is_enabled()
    if check_invariants and is_coalesced:
        unsure = _from_parts(indices, values.detach(), tuple(size), False)
        if not tallow.equal(unsure.coalesce().indices(), indices):
            raise RuntimeError("cannot set is_coalesced to true if indices correspond to uncoalesced COO tensor")
    return out.requires_grad_() if requires_grad and not out.requires_grad else out


def spdiags(diagonals: Tensor, offsets: Tensor, shape: Sequence[int], layout: Any = None) -> Tensor:
    """A sparse matrix with the rows of `diagonals` on the diagonals `offsets`.

    Args:
        diagonals: ``(K, N)`` or ``(N,)``; column j of a row goes to column j of the matrix.
        offsets: ``(K,)`` or a number, each at most once: 0 is the main diagonal, positive ones lie above it.
        shape: of the matrix.
        layout: ``tallow.sparse_coo`` or None.

    Raises:
        RuntimeError: if shapes do not fit, an offset repeats, or another layout is asked for.

    >>> import tallow
    >>> tallow.sparse.spdiags(tallow.tensor([[1.0, 2.0]]), tallow.tensor([0]), (2, 2)).to_dense()
    tensor([[1., 0.],
            [0., 2.]])
    """
    diagonals = diagonals.unsqueeze(0) if diagonals.dim() == 1 else diagonals
    offsets = offsets.reshape(-1)
    if diagonals.dim() != 2:
        raise RuntimeError("Diagonals must be vector or matrix")
    if len(shape) != 2:
        raise RuntimeError("Output shape must be 2d")
    if diagonals.size(0) != offsets.numel():
        raise RuntimeError(
            f"Number of diagonals ({diagonals.size(0)}) does not match the number of offsets ({offsets.numel()})"
        )
    if len(set(offsets.tolist())) != offsets.numel():
        raise RuntimeError("Offset tensor contains duplicate values")
    if layout not in (None, tallow.sparse_coo):
        raise RuntimeError(f"Only output layout sparse_coo is supported, got {layout}")
    rows, columns = shape
    column = tallow.arange(diagonals.size(1)).expand(diagonals.shape)
    row = column - offsets.to(tallow.int64).unsqueeze(1)
    inside = (row >= 0) & (row < rows) & (column < columns)
    return sparse_coo_tensor(tallow.stack([row[inside], column[inside]]), diagonals[inside], (rows, columns))
