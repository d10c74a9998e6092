# ruff: noqa: E501 - a row of a table is a line
"""Rows of matrix products, norms and products of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import COMPLEX, FLOATING, FLOATS, INTS, A, E, S, Sample, aliases

NUMBERS = FLOATS + COMPLEX + INTS
HALF = {"float16": (1e-2, 1e-2), "bfloat16": (5e-2, 5e-2), "float32": (1e-5, 1e-5), "complex64": (1e-5, 1e-5)}
P: dict[str, Any] = dict(dtypes=NUMBERS, tolerance=HALF, in_place=False)
M: dict[str, Any] = dict(dtypes=NUMBERS, tolerance=HALF)


def scaled(product: Any) -> Any:
    return lambda c, a, b, beta=1, alpha=1: beta * c + alpha * product(a, b)


SCALES = {"beta": 2, "alpha": 3}

ROWS: list[Sample] = [
    S("mm", (A(4, 5), A(5, 3)), ref=np.matmul, big=(A(150, 257), A(257, 130)), **P),
    S("mm", (A(4, 0), A(0, 3)), ref=np.matmul, **P),
    S("bmm", (A(2, 4, 5), A(2, 5, 3)), ref=np.matmul, big=(A(4, 150, 70), A(4, 70, 90)), **P),
    S("mv", (A(4, 5), A(5)), ref=np.matmul, big=(A(1000, 600), A(600)), **P),
    S("dot", (A(7), A(7)), ref=np.dot, big=(A(200000), A(200000)), **P),
    S("vdot", (A(7), A(7)), ref=np.vdot, **P),
    S("matmul", (A(4, 5), A(5, 3)), ref=np.matmul, **P),
    S("matmul", (A(5), A(5)), ref=np.matmul, **P),
    S("matmul", (A(4, 5), A(5)), ref=np.matmul, **P),
    S("matmul", (A(5), A(5, 3)), ref=np.matmul, **P),
    S("matmul", (A(2, 4, 5), A(5, 3)), ref=np.matmul, **P),
    S("matmul", (A(2, 4, 5), A(5)), ref=np.matmul, **P),
    S("matmul", (A(5), A(2, 5, 3)), ref=np.matmul, **P),
    S("matmul", (A(2, 1, 4, 5), A(3, 5, 2)), ref=np.matmul, big=(A(8, 1, 60, 50), A(3, 50, 70)), **P),
    S("outer", (A(4), A(3)), ref=np.outer, **P),
    S("inner", (A(2, 4), A(3, 4)), ref=np.inner, **P),
    S("inner", (A(), A(3)), ref=np.inner, **P),
    S("addmm", (A(4, 3), A(4, 5), A(5, 3)), SCALES, scaled(np.matmul), big=(A(150, 130), A(150, 257), A(257, 130)), **M),
    S("addmm", (A(3), A(4, 5), A(5, 3)), ref=scaled(np.matmul), **M),
    S("baddbmm", (A(2, 4, 3), A(2, 4, 5), A(2, 5, 3)), SCALES, scaled(np.matmul), **M),
    S("addmv", (A(4), A(4, 5), A(5)), SCALES, scaled(np.matmul), **M),
    S("addr", (A(4, 3), A(4), A(3)), SCALES, scaled(np.outer), **M),
    S("addbmm", (A(4, 3), A(2, 4, 5), A(2, 5, 3)), SCALES, scaled(lambda a, b: np.matmul(a, b).sum(0)), **M),
    S("tensordot", (A(3, 4, 5), A(4, 3, 2)), {"dims": ([1, 0], [0, 1])}, lambda a, b, dims: np.tensordot(a, b, dims), dtypes=FLOATS + COMPLEX, tolerance=HALF),
    S("tensordot", (A(3, 4), A(4, 2)), {"dims": 1}, lambda a, b, dims: np.tensordot(a, b, dims), dtypes=FLOATING),
    S("kron", (A(2, 3), A(2, 2)), ref=np.kron, **P),
    S("matrix_power", (A(3, 3), 3), ref=np.linalg.matrix_power, **P),
    S("matrix_power", (A(3, 3), 0), ref=np.linalg.matrix_power, **P),
    S("linalg.cross", (A(4, 3), A(4, 3)), ref=np.cross, **P),
    S("cross", (A(3, 4), A(3, 4)), {"dim": 0}, lambda a, b, dim: np.cross(a, b, axis=dim), **P),
    S("linalg.multi_dot", ([A(3, 4), A(4, 2), A(2, 5)],), ref=np.linalg.multi_dot, dtypes=FLOATS + COMPLEX, tolerance=HALF),
    S("chain_matmul", (A(3, 4), A(4, 2), A(2, 5)), ref=lambda *m: np.linalg.multi_dot(m), dtypes=FLOATING, out=False),
    S("linalg.vecdot", (A(4, 5), A(4, 5)), ref=lambda a, b: (np.conj(a) * b).sum(-1), **P),
    S("linalg.diagonal", (A(2, 3, 4),), ref=lambda a: np.diagonal(a, 0, -2, -1), **P),
    S("linalg.norm", (A(3, 4),), ref=np.linalg.norm, dtypes=FLOATING + COMPLEX, result="real", out=False),
    S("linalg.norm", (A(3, 4), "fro"), ref=np.linalg.norm, dtypes=FLOATING, out=False),
    *[S("linalg.matrix_norm", (A(3, 4), p), ref=np.linalg.norm, dtypes=FLOATING, out=False) for p in ("fro", 1, -1, float("inf"), -float("inf"))],
    S("einsum", ("ij,jk->ik", A(3, 4), A(4, 2)), ref=np.einsum, dtypes=FLOATS + COMPLEX, tolerance=HALF),
    S("einsum", ("bij,bjk", A(2, 3, 4), A(2, 4, 2)), ref=np.einsum, dtypes=FLOATING),
    S("einsum", ("...ij,jk->...ik", A(2, 5, 3, 4), A(4, 2)), ref=np.einsum, dtypes=FLOATING),
    S("einsum", ("ii->i", A(3, 3)), ref=np.einsum, dtypes=FLOATING),
    S("einsum", ("ii", A(3, 3)), ref=np.einsum, dtypes=FLOATING),
    S("einsum", ("ij,ik,il->jkl", A(3, 2), A(3, 4), A(3, 5)), ref=np.einsum, dtypes=FLOATING),
    S("einsum", ("i,j", A(3), A(4)), ref=np.einsum, dtypes=FLOATING),
    S("einsum", (A(3, 4), [0, 1], A(4, 2), [1, 2], [0, 2]), ref=np.einsum, dtypes=FLOATING),
    S("cdist", (A(2, 4, 3), A(2, 5, 3)), ref=lambda a, b: np.sqrt(((a[..., :, None, :] - b[..., None, :, :]) ** 2).sum(-1)), dtypes=FLOATING),
    S("cdist", (A(4, 3), A(5, 3), 1.0), ref=lambda a, b, p: np.abs(a[:, None] - b[None]).sum(-1), dtypes=FLOATING),
    S("dist", (A(4, 3), A(3)), ref=lambda a, b: np.sqrt(((a - b) ** 2).sum()), dtypes=FLOATING),
    S("dist", (A(4, 3), A(4, 3), 1), ref=lambda a, b, p: np.abs(a - b).sum(), dtypes=FLOATING),
]  # fmt: skip
ROWS += aliases(ROWS, {"ger": "outer", "linalg.matrix_power": "matrix_power", "linalg.matmul": "matmul"})

ERRORS = [
    E("mm", (A(3, 4), A(3, 4)), RuntimeError, "mat1 and mat2 shapes cannot be multiplied (3x4 and 3x4)"),
    E("mm", (A(3), A(3, 4)), RuntimeError, "self must be a matrix"),
    E("bmm", (A(2, 3, 4), A(3, 4, 5)), RuntimeError, "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [3, 4]."),
    E("dot", (A(3), A(4)), RuntimeError, "inconsistent tensor size, expected tensor [3] and src [4] to have the same number of elements"),
    E("matmul", (A(), A(3)), RuntimeError, "both arguments to matmul need to be at least 1D, but they are 0D and 1D"),
    E("linalg.cross", (A(2), A(2)), RuntimeError, "inputs dimension 0 must have length 3. Got 2 and 2"),
    E("einsum", ("ij,jk->iz", A(3, 4), A(4, 2)), RuntimeError, "einsum()"),
    E("einsum", ("ij", A(3)), RuntimeError, "einsum()"),
]
EXEMPT = {
    "linalg_matrix_power": "rows of linalg.matrix_power", "linalg_cross": "rows of linalg.cross",
    "linalg_multi_dot": "rows of linalg.multi_dot", "linalg_vector_norm": "rows of linalg.vector_norm",
}  # fmt: skip
