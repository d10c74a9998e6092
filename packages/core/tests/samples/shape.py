# ruff: noqa: E501 - a row of a table is a line
"""Rows of views, joining, splitting and rearranging. These move elements, so every dtype must agree exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import ALL, COMPLEX, FLOATING, FLOATS, A, E, S, Sample, V, aliases

ANY: dict[str, Any] = dict(dtypes=ALL, in_place=False)
VIEW: dict[str, Any] = dict(dtypes=ALL, in_place=False, strided=False)
TUPLE: dict[str, Any] = dict(dtypes=ALL, in_place=False, out=False)
X, Y, Z = A(4, 5), A(2, 3, 4), A(3, 4)


def axes(*order: int) -> Any:
    return lambda a, *rest: a.transpose(order)


def narrow(a: Any, dim: int, start: int, length: int) -> Any:
    return np.take(a, np.arange(start, start + length), dim)


def scattered(place: Any) -> Any:
    """A copy of the first array with the second one written where `place` says."""

    def f(a: Any, src: Any, *rest: Any) -> Any:
        out = a.copy()
        place(out, *rest)[...] = src
        return out

    return f


def diagonal_embedded(a: Any) -> Any:
    out = np.zeros((*a.shape, a.shape[-1]), a.dtype)
    i = np.arange(a.shape[-1])
    out[..., i, i] = a
    return out


def strided(a: Any, size: Any, stride: Any, offset: int = 0) -> Any:
    flat = np.ascontiguousarray(a).reshape(-1)[offset:]
    return np.lib.stride_tricks.as_strided(flat, size, [s * flat.itemsize for s in stride]).copy()


def windows(a: Any, dim: int, size: int, step: int) -> Any:
    w = np.lib.stride_tricks.sliding_window_view(a, size, dim)
    return w[(slice(None),) * dim + (slice(None, None, step),)]


def block_diagonal(tensors: Any) -> Any:
    out = np.zeros(np.sum([t.shape for t in tensors], axis=0), tensors[0].dtype)
    r = c = 0
    for t in tensors:
        out[r : r + t.shape[0], c : c + t.shape[1]] = t
        r, c = r + t.shape[0], c + t.shape[1]
    return out


ROWS: list[Sample] = [
    S("reshape", (X, [2, -1]), ref=lambda a, s: a.reshape(s), **ANY),
    S("reshape", (A(0, 3), [3, 0]), ref=lambda a, s: a.reshape(s), dtypes=FLOATS),
    S("view", (X, [2, 10]), ref=lambda a, s: a.reshape(s), **VIEW),
    S("view_as", (X, A(5, 4)), ref=lambda a, b: a.reshape(b.shape), **VIEW),
    S("reshape_as", (X, A(5, 4)), ref=lambda a, b: a.reshape(b.shape), **ANY),
    S("flatten", (Y,), ref=np.ravel, **ANY),
    S("flatten", (Y, 1), ref=lambda a, d: a.reshape(2, 12), **ANY),
    S("ravel", (Y,), ref=np.ravel, **ANY),
    S("unflatten", (A(2, 6), 1, [2, 3]), ref=lambda a, d, s: a.reshape(2, 2, 3), **VIEW),
    S("permute", (Y, [2, 0, 1]), ref=axes(2, 0, 1), **ANY),
    S("transpose", (Y, 0, 2), ref=np.swapaxes, **ANY),
    S("swapaxes", (Y, 0, 1), ref=np.swapaxes, **ANY),
    S("swapdims", (Y, 0, 1), ref=np.swapaxes, **ANY),
    S("t", (X,), ref=np.transpose, **ANY),
    S("t", (A(3),), ref=lambda a: a, **ANY),
    S("adjoint", (Y,), ref=lambda a: np.conj(a.swapaxes(-1, -2)), **ANY),
    S("movedim", (Y, 0, 2), ref=np.moveaxis, **ANY),
    S("movedim", (Y, [0, 1], [1, 2]), ref=np.moveaxis, **ANY),
    S("squeeze", (A(1, 3, 1),), ref=np.squeeze, **ANY),
    S("squeeze", (A(1, 3, 1), 0), ref=np.squeeze, **ANY),
    S("squeeze", (A(1, 3, 1), [0, 2]), ref=lambda a, d: np.squeeze(a, tuple(d)), **ANY),
    S("unsqueeze", (X, 1), ref=np.expand_dims, **ANY),
    S("unsqueeze", (X, -1), ref=np.expand_dims, **ANY),
    S("expand", (A(4, 1), [2, 4, -1]), ref=lambda a, s: np.broadcast_to(a, (2, 4, 1)), **ANY),
    S("expand_as", (A(4, 1), A(2, 4, 3)), ref=lambda a, b: np.broadcast_to(a, b.shape), **ANY),
    S("broadcast_to", (A(4, 1), [2, 4, 3]), ref=lambda a, s: np.broadcast_to(a, s), **ANY),
    S("broadcast_tensors", (A(4, 1), A(3)), ref=lambda *a: np.broadcast_arrays(*a), result=None, **TUPLE),
    S("select", (Y, 1, -1), ref=lambda a, d, i: np.take(a, i, d), **ANY),
    S("narrow", (Y, 2, 1, 2), ref=narrow, **ANY),
    S("diagonal", (X,), ref=np.diagonal, **ANY),
    S("diagonal", (Y, 1, 1, 2), ref=np.diagonal, **ANY),
    S("as_strided", (X, [3, 2], [2, 1], 1), ref=strided, **VIEW),
    S("unfold", (A(7), 0, 3, 2), ref=windows, **ANY),
    S("unfold", (A(3, 6), 1, 2, 1), ref=windows, **ANY),
    S("detach", (X,), ref=lambda a: a, dtypes=ALL, in_place=False, grad=False),
    S("real", (X,), ref=np.real, dtypes=FLOATS + COMPLEX, result="real", in_place=False),
    S("imag", (X,), ref=np.imag, dtypes=COMPLEX, result="real", in_place=False),
    S("conj", (X,), ref=np.conj, **ANY),
    S("resolve_conj", (X,), ref=lambda a: a, **ANY),
    S("resolve_neg", (X,), ref=lambda a: a, **ANY),
    S("is_conj", (X,), ref=lambda a: False, grad=False, result=None),
    S("is_neg", (X,), ref=lambda a: False, grad=False, result=None),
    S("view_as_real", (X,), ref=lambda a: np.stack([a.real, a.imag], -1), dtypes=COMPLEX, result="real"),
    S("view_as_complex", (A(3, 2),), ref=lambda a: a[..., 0] + 1j * a[..., 1], dtypes=FLOATING, result=None, strided=False),
    S("complex", (A(3), A(3)), ref=lambda a, b: a + 1j * b, dtypes=FLOATING, result=None, in_place=False),
    S("polar", (A(3, low=0.5), A(3)), ref=lambda a, b: a * np.exp(1j * b), dtypes=FLOATING, result=None, in_place=False),
    S("clone", (X,), ref=np.copy, **ANY),
    S("contiguous", (X,), ref=np.copy, **ANY),
    S("type_as", (X, V([1.0], "float64")), ref=lambda a, b: a.astype(float), dtypes=FLOATS, result="float64", in_place=False),
    S("atleast_1d", (A(),), ref=np.atleast_1d, **ANY),
    S("atleast_2d", (A(3),), ref=np.atleast_2d, **ANY),
    S("atleast_3d", (X,), ref=np.atleast_3d, **ANY),
    S("cat", ([X, A(2, 5)],), ref=np.concatenate, big=([A(300, 400), A(200, 400)],), **ANY),
    S("cat", ([X, A(4, 2)], 1), ref=np.concatenate, big=([A(300, 400), A(300, 100)], 1), **ANY),
    S("stack", ([X, X],), ref=np.stack, **ANY),
    S("stack", ([X, X], -1), ref=lambda a, d: np.stack(a, d), **ANY),
    S("hstack", ([X, A(4, 2)],), ref=np.hstack, **ANY),
    S("hstack", ([A(3), A(2)],), ref=np.hstack, **ANY),
    S("vstack", ([A(3), A(3)],), ref=np.vstack, **ANY),
    S("dstack", ([X, X],), ref=np.dstack, **ANY),
    S("column_stack", ([A(3), A(3, 2)],), ref=np.column_stack, **ANY),
    S("block_diag", (A(2, 3), A(1, 2)), ref=lambda *t: block_diagonal(t), **TUPLE),
    S("meshgrid", (A(3), A(2)), {"indexing": "ij"}, lambda *a, indexing: np.meshgrid(*a, indexing=indexing), result=None, **TUPLE),
    S("cartesian_prod", (A(3), A(2)), ref=lambda a, b: np.stack([x.ravel() for x in np.meshgrid(a, b, indexing="ij")], 1), **TUPLE),
    S("combinations", (A(4),), ref=lambda a: np.stack([a[np.triu_indices(4, 1)[0]], a[np.triu_indices(4, 1)[1]]], 1), **TUPLE),
    S("split", (X, 2), ref=lambda a, n: np.split(a, [2]), **TUPLE),
    S("split", (X, [1, 4], 1), ref=lambda a, n, d: np.split(a, [1], d), **TUPLE),
    S("split_with_sizes", (X, [1, 3]), ref=lambda a, n: np.split(a, [1]), **TUPLE),
    S("chunk", (X, 3, 1), ref=lambda a, n, d: np.split(a, [2, 4], d), **TUPLE),
    S("tensor_split", (X, 3, 1), ref=np.array_split, **TUPLE),
    S("tensor_split", (X, [1, 2]), ref=np.array_split, **TUPLE),
    S("hsplit", (A(4, 6), 3), ref=np.hsplit, **TUPLE),
    S("vsplit", (X, [1]), ref=np.vsplit, **TUPLE),
    S("dsplit", (A(2, 3, 4), 2), ref=np.dsplit, **TUPLE),
    S("unbind", (Z,), ref=lambda a: tuple(a), **TUPLE),
    S("flip", (Y, [0, 2]), ref=lambda a, d: np.flip(a, d), **ANY),
    S("fliplr", (X,), ref=np.fliplr, **ANY),
    S("flipud", (X,), ref=np.flipud, **ANY),
    S("roll", (X, 2), ref=np.roll, **ANY),
    S("roll", (X, [1, -2], [0, 1]), ref=lambda a, s, d: np.roll(a, tuple(s), tuple(d)), **ANY),
    S("rot90", (X,), ref=np.rot90, **ANY),
    S("rot90", (Y, 3, [1, 2]), ref=np.rot90, **ANY),
    S("repeat", (A(2, 3), [2, 1, 2]), ref=np.tile, **ANY),
    S("tile", (A(2, 3), [2]), ref=np.tile, **ANY),
    S("repeat_interleave", (X, 2), ref=np.repeat, **ANY),
    S("repeat_interleave", (X, V([1, 0, 2, 3], "int64"), 0), ref=np.repeat, dtypes=ALL, in_place=False, meta=False),
    S("tril", (X,), ref=np.tril, dtypes=ALL, big=(A(500, 600),)),
    S("tril", (Y, -1), ref=np.tril, dtypes=ALL),
    S("triu", (X, 1), ref=np.triu, dtypes=ALL, big=(A(500, 600),)),
    S("trace", (X,), ref=np.trace, dtypes=FLOATS + COMPLEX, in_place=False, tolerance={"float16": (5e-3, 5e-3), "bfloat16": (5e-2, 5e-2)}),
    S("diag", (A(3),), ref=np.diag, **ANY),
    S("diag", (X, 1), ref=np.diag, **ANY),
    S("diagflat", (A(2, 2),), ref=np.diagflat, **ANY),
    S("diag_embed", (Z,), ref=diagonal_embedded, **ANY),
    S("select_scatter", (X, A(5), 0, 2), ref=scattered(lambda o, d, i: o[2]), **ANY),
    S("slice_scatter", (X, A(4, 2), 1, 1, 5, 2), ref=scattered(lambda o, *r: o[:, 1:5:2]), **ANY),
    S("diagonal_scatter", (A(3, 3), A(3)), ref=lambda a, b: a - np.diag(np.diag(a)) + np.diag(b) if a.dtype != bool else np.where(np.eye(3, dtype=bool), np.diag(b), a), **ANY),
    S("as_strided_scatter", (A(2, 3), A(3), [3], [2], 0), ref=lambda a, b, *r: np.array([b[0], a[0, 1], b[1], a[1, 0], b[2], a[1, 2]]).reshape(2, 3), dtypes=ALL, in_place=False, strided=False),
    S("is_same_size", (X, A(4, 5)), ref=lambda a, b: True, grad=False, result=None),
    S("is_set_to", (X, X), ref=lambda a, b: False, grad=False, result=None),
    S("alias_copy", (X,), ref=np.copy, **ANY),
    S("detach_copy", (X,), ref=np.copy, dtypes=ALL, in_place=False, grad=False),
    S("as_strided_copy", (X, [3, 2], [2, 1], 1), ref=strided, **VIEW),
    S("diagonal_copy", (X,), ref=np.diagonal, **ANY),
    S("expand_copy", (A(4, 1), [4, 3]), ref=lambda a, s: np.broadcast_to(a, s), **ANY),
    S("narrow_copy", (Y, 2, 1, 2), ref=narrow, **ANY),
    S("permute_copy", (Y, [2, 0, 1]), ref=axes(2, 0, 1), **ANY),
    S("select_copy", (Y, 1, 0), ref=lambda a, d, i: np.take(a, i, d), **ANY),
    S("slice_copy", (X, 1, 1, 5, 2), ref=lambda a, *r: a[:, 1:5:2], **ANY),
    S("squeeze_copy", (A(1, 3, 1),), ref=np.squeeze, **ANY),
    S("t_copy", (X,), ref=np.transpose, **ANY),
    S("transpose_copy", (Y, 0, 2), ref=np.swapaxes, **ANY),
    S("unfold_copy", (A(7), 0, 3, 2), ref=windows, **ANY),
    S("unsqueeze_copy", (X, 1), ref=np.expand_dims, **ANY),
    S("view_copy", (X, [2, 10]), ref=lambda a, s: a.reshape(s), **VIEW),
    S("view_as_real_copy", (X,), ref=lambda a: np.stack([a.real, a.imag], -1), dtypes=COMPLEX, result="real"),
    S("view_as_complex_copy", (A(3, 2),), ref=lambda a: a[..., 0] + 1j * a[..., 1], dtypes=FLOATING, result=None, strided=False),
    S("unbind_copy", (Z,), ref=lambda a: tuple(a), **TUPLE),
    S("split_copy", (X, 2), ref=lambda a, n: np.split(a, [2]), **TUPLE),
    S("split_with_sizes_copy", (X, [1, 3]), ref=lambda a, n: np.split(a, [1]), **TUPLE),
    S("unsafe_split", (X, 2), ref=lambda a, n: np.split(a, [2]), **TUPLE),
    S("unsafe_split_with_sizes", (X, [1, 3]), ref=lambda a, n: np.split(a, [1]), **TUPLE),
    S("unsafe_chunk", (X, 2), ref=lambda a, n: np.split(a, [2]), **TUPLE),
]  # fmt: skip
ROWS += aliases(ROWS, {"moveaxis": "movedim", "concat": "cat", "concatenate": "cat", "row_stack": "vstack"})

ERRORS = [
    E("reshape", (A(3), [2, 2]), RuntimeError, "shape '[2, 2]' is invalid for input of size 3"),
    E("cat", ([A(3), A(3, 4)],), RuntimeError, "Tensors must have same number of dimensions"),
    E("stack", ([A(3), A(4)],), RuntimeError, "stack expects each tensor to be equal size"),
    E("stack", ([A(3), 3],), TypeError, "expected Tensor as element 1 in argument 0, but got int"),
    E("cat", (3,), TypeError, "argument 'tensors' (position 1) must be tuple of Tensors, not int"),
    E("permute", (A(3, 4), [0, 0]), RuntimeError, "permute"),
    E("squeeze", (A(3), 1), IndexError, "Dimension out of range"),
    E("select", (A(3), 0, 3), IndexError, "index 3 out of range"),
    E("expand", (A(3), [2]), RuntimeError, "expand"),
    E("split", (A(3), [1, 1]), RuntimeError, "split_with_sizes expects split_sizes to sum exactly to 3"),
    E("t", (A(2, 3, 4),), RuntimeError, "t() expects a tensor with <= 2 dimensions, but self is 3D"),
    E("narrow", (A(3), 0, 2, 2), RuntimeError, "exceeds dimension size (3)"),
]

_IN_PLACE = "changes the tensor's own shape; tests/shape covers it"
EXEMPT = {
    name: _IN_PLACE
    for name in (
        "transpose_", "swapaxes_", "swapdims_", "t_", "squeeze_", "unsqueeze_", "as_strided_", "resize_", "resize_as_", "set_",
    )
} | {
    "promote_types": "takes dtypes; tests/pointwise covers it",
    "can_cast": "takes dtypes; tests/pointwise covers it",
    "fill_diagonal_": "only in place; tests/shape covers it",
}  # fmt: skip
