"""Padding, composed of core's ops: it needs neither a kernel nor a gradient of its own."""

from __future__ import annotations

from collections.abc import Sequence

import tallow
from tallow import Tensor
from tallow.amp._rules import runs_in_float32


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Add cells around `input`; negative sizes take cells away.

    Args:
        input: any shape for "constant". For the other modes the last k dimensions are padded of k+1 or k+2.
        pad: (before, after) of the last dimension, then of the one before it, and so on.
        mode: "constant", "reflect", "replicate" or "circular".
        value: what "constant" fills with. Default: 0.

    Raises:
        RuntimeError: if `pad` has an odd length or names too many dimensions, or the result would be of negative size.
        NotImplementedError: for an unknown mode, or a number of dimensions that the mode does not take.

    >>> import tallow.nn.functional as F
    >>> F.pad(tallow.tensor([1, 2]), (1, 2)).tolist()
    [0, 1, 2, 0, 0]
    >>> F.pad(tallow.tensor([[1, 2, 3]]), (2, 1), mode="reflect").tolist()
    [[3, 2, 1, 2, 3, 2]]
    """
    sizes = list(pad)
    if len(sizes) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(sizes) > 2 * input.dim():
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(sizes)} and input of dimension {input.dim()}"
        )
    if mode != "constant":
        _check_mode(input, sizes, mode, value)
    for i in range(0, len(sizes), 2):
        dim = input.dim() - 1 - i // 2
        before, after = sizes[i], sizes[i + 1]
        # What is cut off is neither filled around nor repeated, but it is reflected.
        if mode in ("constant", "circular") and (before < 0 or after < 0):
            input = _crop(input, dim, max(-before, 0), max(-after, 0))
            before, after = max(before, 0), max(after, 0)
        if mode == "constant" and (before or after):
            input = _constant(input, dim, before, after, 0 if value is None else value)
        elif before or after:
            select = Tensor.index_select if mode == "circular" else _select_in_float32
            input = select(input, dim, _source_index(input, dim, before, after, mode))
    return input


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """:func:`pad` in mode "constant".

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.constant_pad_nd(tallow.tensor([1, 2]), (1, 0), 9).tolist()
    [9, 1, 2]
    """
    return _pad(input, pad, value=value)


_pad = pad
_select_in_float32 = runs_in_float32(Tensor.index_select)


def _check_mode(input: Tensor, sizes: list[int], mode: str, value: float | None) -> None:
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    padded = len(sizes) // 2
    if not (1 <= padded <= 3 and padded + 1 <= input.dim() <= padded + 2):
        raise NotImplementedError(
            "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now: "
            f"got padding length {len(sizes)} and input of dimension {input.dim()}"
        )


def _crop(input: Tensor, dim: int, before: int, after: int) -> Tensor:
    length = input.size(dim) - before - after
    if length < 0:
        raise RuntimeError(f"pad(): dimension {dim} of size {input.size(dim)} cannot lose {before} and {after} cells")
    return input.narrow(dim, before, length)


def _constant(input: Tensor, dim: int, before: int, after: int, value: float) -> Tensor:
    shape = list(input.shape)
    parts = [input]
    if before:
        shape[dim] = before
        parts.insert(0, input.new_full(shape, value))
    if after:
        shape[dim] = after
        parts.append(input.new_full(shape, value))
    return tallow.cat(parts, dim)


def _source_index(input: Tensor, dim: int, before: int, after: int, mode: str) -> Tensor:
    """For every cell of the result along `dim`, the cell of the input that it copies."""
    size = input.size(dim)
    limit = size - 1 if mode == "reflect" else size
    if mode != "replicate" and max(before, after) > limit:
        raise RuntimeError(
            f"Padding size should be less than {'' if mode == 'reflect' else 'or equal to '}the corresponding input "
            f"dimension, but got: padding ({before}, {after}) at dimension {dim} of input {list(input.shape)}"
        )
    if size + before + after < 0:
        raise RuntimeError(f"pad(): dimension {dim} of size {size} cannot lose {-before} and {-after} cells")
    if size == 0:
        raise RuntimeError(f"pad(): dimension {dim} of size 0 cannot be padded in mode '{mode}'")
    index = tallow.arange(-before, size + after, device=input.device)
    if mode == "replicate":
        return index.clamp(0, size - 1)
    if mode == "circular":
        return index.remainder(size)
    # Fold at both borders, which are not repeated.
    return (size - 1) - (index.abs() - (size - 1)).abs()
