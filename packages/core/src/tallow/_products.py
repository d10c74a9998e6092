"""Products of tensors whose Python signature no schema has: operands as separate arguments, dims as a number."""

from __future__ import annotations

from typing import Any

from tallow import _ops
from tallow._core import Tensor

_einsum = _ops.packet("_einsum")
_contract = _ops.packet("_tensordot")
_chain = _ops.packet("_chain_matmul")


def _letter(label: Any) -> str:
    if label is Ellipsis:
        return "..."
    if isinstance(label, bool) or not isinstance(label, int):
        raise ValueError(f"einsum(): a listed subscript must be an int or Ellipsis, but got {type(label).__name__}")
    if not 0 <= label < 52:
        raise ValueError(f"einsum(): subscripts in the list form must be in [0, 52), but got {label}")
    return chr(ord("A") + label) if label < 26 else chr(ord("a") + label - 26)


def einsum(*args: Any) -> Tensor:
    """Sums of products over named dimensions: ``einsum("ij,jk->ik", a, b)``, or with lists of numbers for names,
    ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.

    >>> import tallow
    >>> tallow.einsum("i,i", tallow.tensor([1.0, 2.0]), tallow.tensor([3.0, 4.0]))
    tensor(11.)
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, "
            "or at least one operand and its subscripts list"
        )
    if isinstance(args[0], Tensor):
        equation = ",".join("".join(_letter(s) for s in labels) for labels in args[1::2])
        operands = list(args[:-1:2] if len(args) % 2 else args[::2])
        if len(args) % 2:
            equation += "->" + "".join(_letter(s) for s in args[-1])
    else:
        equation, operands = args[0], list(args[1:])
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = list(operands[0])
    return _einsum(equation, operands)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Contraction over ``dims``: a number (the last of a with the first of b) or two lists of dimensions."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, (tuple, list)):
        first, second = dims if len(dims) == 2 else (dims, dims)
        dims_a = [first] if isinstance(first, int) else list(first)
        dims_b = [second] if isinstance(second, int) else list(second)
    else:
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims_a, dims_b = list(range(-dims, 0)), list(range(dims))
    result = _contract(a, b, dims_a, dims_b)
    if out is None:
        return result
    out.resize_(result.shape)
    return out.copy_(result)


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of matrices. :func:`tallow.linalg.multi_dot` is the newer name."""
    result = _chain(list(matrices))
    return result if out is None else out.resize_(result.shape).copy_(result)
