# ruff: noqa: E501 - a row of a table is a line
"""Rows of decompositions and of what is made with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import COMPLEX, FLOATING, A, E, S, Sample, V

BOTH = FLOATING + COMPLEX
LOOSE = {"float32": (1e-3, 1e-4), "complex64": (1e-3, 1e-4), "float64": (1e-8, 1e-9), "complex128": (1e-8, 1e-9)}
F: dict[str, Any] = dict(dtypes=BOTH, tolerance=LOOSE, in_place=False)
MIXED: dict[str, Any] = dict(F, result=None)  # results of several dtypes, or indices beside numbers


def spread(*shape: int, seed: int = 0) -> np.ndarray:
    """Matrices with singular values and eigenvalues well apart."""
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(size=shape) + 1.5 * np.eye(shape[-2], shape[-1]) * np.arange(1, shape[-1] + 1), 3)


def adjoint(a: np.ndarray) -> np.ndarray:
    return np.conj(np.swapaxes(a, -1, -2))


def positive(*shape: int) -> np.ndarray:
    a = spread(*shape)
    return a @ adjoint(a) + np.eye(shape[-1])


def triangular(a: np.ndarray, upper: bool, unit: bool = False) -> np.ndarray:
    t = np.triu(a) if upper else np.tril(a)
    return t - t * np.eye(t.shape[-1]) + np.eye(t.shape[-1]) if unit else t


def solve_triangular(a: Any, b: Any, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    t = triangular(a, upper, unitriangular)
    return np.linalg.solve(t, b) if left else np.swapaxes(np.linalg.solve(np.swapaxes(t, -1, -2), np.swapaxes(b, -1, -2)), -1, -2)


def lu(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gaussian elimination with partial pivoting: P, L, U and the packed factors with pivots follow from it."""
    if a.ndim > 2:
        return tuple(np.stack(x) for x in zip(*[lu(m) for m in a], strict=True))  # type: ignore[return-value]
    m, n = a.shape
    k, u, order = min(m, n), a.astype(complex if np.iscomplexobj(a) else float), np.arange(m)
    lower = np.zeros((m, k), dtype=u.dtype)
    for j in range(k):
        p = j + int(np.argmax(np.abs(u[j:, j].real) + np.abs(u[j:, j].imag)))
        for rows in (u, lower, order):
            rows[[j, p]] = rows[[p, j]]
        lower[j, j] = 1
        lower[j + 1 :, j] = u[j + 1 :, j] / u[j, j]
        u[j + 1 :] -= np.outer(lower[j + 1 :, j], u[j])
    return np.eye(m)[:, order], lower, np.triu(u[:k])


def qr(a: np.ndarray, mode: str = "reduced") -> tuple[Any, Any]:
    if mode == "r":
        return np.empty(0), np.linalg.qr(a, "r")
    q, r = np.linalg.qr(a, mode)
    return q, r


def svd(a: np.ndarray, full_matrices: bool = True) -> tuple[Any, Any, Any]:
    return tuple(np.linalg.svd(a, full_matrices))  # type: ignore[return-value]


def lstsq(a: Any, b: Any, driver: str = "gelsy", rcond: Any = None) -> tuple[Any, ...]:
    x, residuals, rank, values = np.linalg.lstsq(a, b, rcond=None)
    none = np.empty(0)
    return x, none if driver == "gelsy" else residuals, none if driver == "gels" else np.asarray(rank), values if driver in ("gelsd", "gelss") else none


def expm(a: np.ndarray) -> np.ndarray:
    """The sum itself, of a small matrix squared again."""
    a, term, total = a / 1024, np.eye(a.shape[-1]), np.eye(a.shape[-1])
    for i in range(1, 12):
        term = term @ a / i
        total = total + term
    for _ in range(10):
        total = total @ total
    return total


def symmetric(*shape: int) -> np.ndarray:
    a = spread(*shape)
    return a + np.swapaxes(a, -1, -2)


def nuclear(a: np.ndarray, *_: Any) -> Any:
    return np.linalg.svd(a, compute_uv=False).sum(-1)


SQUARE, WIDE, TALL, BATCH = V(spread(3, 3)), V(spread(2, 4)), V(spread(4, 2)), V(spread(2, 3, 3))
DEFINITE = V(positive(3, 3))
LARGE = V(spread(6, 40, 40))

ROWS: list[Sample] = [
    S("linalg.cholesky", (DEFINITE,), ref=np.linalg.cholesky, big=(V(positive(6, 40, 40)),), grad=False, **F),
    S("linalg.cholesky", (V(positive(2, 3, 3)),), {"upper": True}, lambda a, upper: adjoint(np.linalg.cholesky(a)), grad=False, **F),
    S("linalg.cholesky", (A(0, 0),), ref=np.linalg.cholesky, **F),
    S("linalg.cholesky_ex", (DEFINITE,), ref=lambda a: (np.linalg.cholesky(a), 0), grad=False, **MIXED),
    S("cholesky", (DEFINITE, True), ref=lambda a, upper: adjoint(np.linalg.cholesky(a)), grad=False, **F),
    S("cholesky_solve", (A(3, 2), V(np.tril(spread(3, 3)))), ref=lambda b, f: np.linalg.solve(f @ adjoint(f), b), grad=False, **F),
    S("cholesky_solve", (A(2, 3, 2), V(np.triu(spread(3, 3))), True), ref=lambda b, f, u: np.linalg.solve(adjoint(f) @ f, b), grad=False, **F),
    S("cholesky_inverse", (V(np.tril(spread(3, 3))),), ref=lambda f: np.linalg.inv(f @ adjoint(f)), grad=False, **F),
    *[S("linalg.solve_triangular", (BATCH, A(3, 2) if left else A(2, 3)), {"upper": upper, "left": left, "unitriangular": unit}, solve_triangular, **F) for upper in (True, False) for left in (True, False) for unit in (True, False)],
    S("triangular_solve", (A(3, 2), SQUARE), ref=lambda b, a: (solve_triangular(a, b, True), a), **F),
    S("triangular_solve", (A(3, 2), SQUARE, False, True), ref=lambda b, a, u, t: (solve_triangular(a.T, b, True), a), **F),
    S("linalg.lu", (SQUARE,), ref=lu, big=(LARGE,), **F),
    S("linalg.lu", (WIDE,), ref=lu, **F),
    S("linalg.lu", (TALL,), ref=lu, **F),
    S("linalg.lu", (BATCH,), ref=lu, **F),
    S("linalg.lu_factor", (V([[4.0, 1.0], [2.0, 3.0]]),), ref=lambda a: (np.array([[4.0, 1.0], [0.5, 2.5]]), np.array([1, 2])), **MIXED),
    S("linalg.lu_factor_ex", (V([[1.0, 1.0], [2.0, 3.0]]),), ref=lambda a: (np.array([[2.0, 3.0], [0.5, -0.5]]), np.array([2, 2]), 0), **MIXED),
    S("lu_unpack", (V([[2.0, 3.0], [0.5, -0.5]]), V([2, 2], "int32")), ref=lambda f, p: (np.eye(2)[::-1], np.array([[1, 0], [0.5, 1]]), np.array([[2, 3], [0, -0.5]])), **F),
    S("linalg.lu_solve", (V([[2.0, 3.0], [0.5, -0.5]]), V([2, 2], "int32"), A(2, 3)), ref=lambda f, p, b: np.linalg.solve(np.array([[1.0, 1.0], [2.0, 3.0]]), b), **F),
    S("linalg.lu_solve", (V([[2.0, 3.0], [0.5, -0.5]]), V([2, 2], "int32"), A(3, 2)), {"left": False, "adjoint": True}, lambda f, p, b, left, adjoint: b @ np.linalg.inv(np.array([[1.0, 2.0], [1.0, 3.0]])), **F),
    S("lu_solve", (A(2, 3), V([[2.0, 3.0], [0.5, -0.5]]), V([2, 2], "int32")), ref=lambda b, f, p: np.linalg.solve(np.array([[1.0, 1.0], [2.0, 3.0]]), b), **F),
    S("linalg.solve", (SQUARE, A(3)), ref=np.linalg.solve, **F),
    S("linalg.solve", (SQUARE, A(3, 2)), ref=np.linalg.solve, **F),
    S("linalg.solve", (BATCH, A(3, 2)), ref=np.linalg.solve, big=(LARGE, A(40, 3)), **F),
    S("linalg.solve", (SQUARE, A(2, 3)), {"left": False}, lambda a, b, left: b @ np.linalg.inv(a), **F),
    S("linalg.solve", (A(0, 0), A(0, 2)), ref=np.linalg.solve, **F),
    S("linalg.solve_ex", (SQUARE, A(3, 2)), ref=lambda a, b: (np.linalg.solve(a, b), 0), **MIXED),
    S("linalg.inv", (SQUARE,), ref=np.linalg.inv, **F),
    S("linalg.inv", (BATCH,), ref=np.linalg.inv, big=(LARGE,), **F),
    S("linalg.inv_ex", (SQUARE,), ref=lambda a: (np.linalg.inv(a), 0), **MIXED),
    S("inverse", (SQUARE,), ref=np.linalg.inv, **F),
    S("linalg.det", (SQUARE,), ref=np.linalg.det, **F),
    S("linalg.det", (BATCH,), ref=np.linalg.det, **F),
    S("linalg.det", (V([[1.0, 2.0], [2.0, 4.0]]),), ref=np.linalg.det, gradgrad=False, **F),
    S("linalg.det", (A(0, 0),), ref=np.linalg.det, **F),
    S("det", (SQUARE,), ref=np.linalg.det, **F),
    S("logdet", (DEFINITE,), ref=lambda a: np.log(np.linalg.det(a)), **F),
    S("logdet", (V([[0.0, 1.0], [1.0, 0.0]]),), ref=lambda a: np.nan, grad=False, **dict(F, dtypes=FLOATING)),
    S("linalg.slogdet", (BATCH,), ref=np.linalg.slogdet, **MIXED),
    S("slogdet", (SQUARE,), ref=np.linalg.slogdet, **MIXED),
    *[S("linalg.qr", (m, mode), ref=qr, grad=mode == "reduced", **F) for m in (SQUARE, WIDE, TALL, BATCH) for mode in ("reduced", "complete", "r")],
    S("linalg.qr", (A(3, 0), "complete"), ref=lambda a, mode: (np.eye(3), a), grad=False, **F),
    S("qr", (TALL, False), ref=lambda a, some: np.linalg.qr(a, "complete"), grad=False, **F),
    S("geqrf", (V([[3.0, 1.0], [4.0, 2.0]]),), ref=lambda a: (np.array([[-5.0, -2.2], [0.5, 0.4]]), np.array([1.6, 0.0])), **dict(F, dtypes=FLOATING)),
    S("linalg.householder_product", (V([[-5.0], [0.5]]), V([1.6])), ref=lambda a, t: np.array([[-0.6], [-0.8]]), **F),
    S("orgqr", (V([[-5.0], [0.5]]), V([1.6])), ref=lambda a, t: np.array([[-0.6], [-0.8]]), **F),
    S("ormqr", (V([[-5.0], [0.5]]), V([1.6]), A(2, 3)), ref=lambda a, t, x: np.array([[-0.6, -0.8], [-0.8, 0.6]]) @ x, **F),
    *[S("linalg.svd", (m, full), ref=svd, grad=not full, **dict(MIXED, dtypes=FLOATING)) for m in (SQUARE, WIDE, TALL, BATCH) for full in (True, False)],
    S("linalg.svd", (A(2, 0),), ref=lambda a: (np.eye(2), np.empty(0), np.empty((0, 0))), **MIXED),
    S("linalg.svdvals", (TALL,), ref=lambda a: np.linalg.svd(a, compute_uv=False), **dict(F, result="real")),
    S("linalg.svdvals", (BATCH,), ref=lambda a: np.linalg.svd(a, compute_uv=False), big=(LARGE,), **dict(F, result="real")),
    S("svd", (TALL,), ref=lambda a: (lambda u, s, vh: (u, s, adjoint(vh)))(*svd(a, False)), **dict(MIXED, dtypes=FLOATING)),
    S("linalg.eigh", (DEFINITE,), ref=np.linalg.eigh, big=(V(positive(6, 40, 40)),), grad=False, **dict(MIXED, dtypes=FLOATING)),
    S("linalg.eigvalsh", (V(positive(2, 3, 3)), "U"), ref=np.linalg.eigvalsh, grad=False, **dict(F, result="real")),
    S("linalg.eig", (V([[2.0, 0.0], [0.0, 3.0]]),), ref=np.linalg.eig, grad=False, **MIXED),
    S("linalg.eigvals", (V([[0.0, 1.0], [-1.0, 0.0]]),), ref=lambda a: np.array([1j, -1j]), grad=False, **MIXED),
    *[S("linalg.lstsq", (TALL, A(4, 2)), {"driver": d}, lstsq, grad=d in ("gelsy", "gels"), **MIXED) for d in ("gelsy", "gels", "gelsd", "gelss")],
    S("linalg.lstsq", (WIDE, A(2, 3)), ref=lstsq, **MIXED),
    S("linalg.ldl_factor", (V([[4.0, 2.0], [2.0, 3.0]]),), ref=lambda a: (np.array([[4.0, 0.0], [0.5, 2.0]]), np.array([1, 2])), **MIXED),
    S("linalg.ldl_factor_ex", (V([[4.0, 2.0], [2.0, 3.0]]),), ref=lambda a: (np.array([[4.0, 0.0], [0.5, 2.0]]), np.array([1, 2]), 0), **MIXED),
    S("linalg.ldl_solve", (V([[4.0, 0.0], [0.5, 2.0]]), V([1, 2], "int32"), A(2, 3)), ref=lambda f, p, b: np.linalg.solve(np.array([[4.0, 2.0], [2.0, 3.0]]), b), **F),
    *[S("linalg.pinv", (m,), ref=np.linalg.pinv, **F) for m in (SQUARE, WIDE, TALL, BATCH)],
    S("linalg.pinv", (V([[1.0, 2.0], [2.0, 4.0]]),), {"rtol": 0.01}, lambda a, rtol: np.linalg.pinv(a), grad=False, **F),
    S("linalg.pinv", (V(symmetric(3, 3)),), {"hermitian": True}, lambda a, hermitian: np.linalg.pinv(a), grad=False, **F),
    S("linalg.pinv", (TALL, V(1e-3)), ref=lambda a, r: np.linalg.pinv(a), grad=False, **F),
    S("linalg.pinv", (A(0, 3),), ref=np.linalg.pinv, **F),
    S("pinverse", (TALL,), ref=np.linalg.pinv, **F),
    S("linalg.matrix_rank", (V([[1.0, 2.0], [2.0, 4.0]]),), ref=lambda a: np.asarray(1), **dict(F, result="int64")),
    S("linalg.matrix_rank", (BATCH,), {"atol": 0.5}, lambda a, atol: np.linalg.matrix_rank(a, tol=atol), **dict(F, result="int64")),
    S("linalg.matrix_rank", (V(symmetric(3, 3)), 0.1, True), ref=lambda a, tol, h: np.linalg.matrix_rank(a, tol, h), **dict(F, result="int64")),
    *[S("linalg.cond", (SQUARE, p), ref=np.linalg.cond, **dict(F, result="real")) for p in (None, 2, -2, 1, -1, float("inf"), "fro", "nuc")],
    S("linalg.cond", (V(np.zeros((2, 2))), 1), ref=lambda a, p: np.inf, grad=False, **dict(F, result="real")),
    *[S("linalg.matrix_norm", (A(3, 4), p), ref=np.linalg.norm, **dict(F, result="real", out=False)) for p in (2, -2, "nuc")],
    S("linalg.matrix_norm", (A(3, 2, 4), 2, (0, 2), True), ref=lambda a, p, d, k: np.linalg.norm(a, p, d, k), **dict(F, result="real", out=False)),
    S("linalg.norm", (A(3, 4), 2), ref=np.linalg.norm, **dict(F, result="real", out=False)),
    S("norm", (A(3, 4), "nuc"), ref=nuclear, **dict(F, result="real", out=False)),
    S("nuclear_norm", (A(3, 4),), ref=nuclear, **dict(F, result="real")),
    S("nuclear_norm", (A(2, 3, 4), (1, 2)), ref=nuclear, **dict(F, result="real")),
    S("frobenius_norm", (A(3, 4), (0, 1)), ref=lambda a, d: np.sqrt((np.abs(a) ** 2).sum()), **dict(F, result="real")),
    S("matrix_exp", (A(3, 3),), ref=expm, **F),
    S("matrix_exp", (V([[20.0, 1.0], [0.0, -30.0]]),), ref=lambda a: np.array([[np.exp(20), (np.exp(20) - np.exp(-30)) / 50], [0, np.exp(-30)]]), grad=False, **F),
    S("matrix_exp", (A(0, 0),), ref=lambda a: a, **F),
    S("linalg.matrix_exp", (A(2, 3, 3),), ref=lambda a: np.stack([expm(m) for m in a]), big=(V(spread(6, 40, 40) / 40),), **F),
    S("matrix_power", (SQUARE, -3), ref=np.linalg.matrix_power, **F),
    S("linalg.tensorinv", (V(spread(6, 6).reshape(2, 3, 6)), 2), ref=np.linalg.tensorinv, **F),
    S("linalg.tensorsolve", (V(spread(6, 6).reshape(2, 3, 6)), A(2, 3)), ref=np.linalg.tensorsolve, **F),
    S("linalg.vander", (A(4),), ref=lambda x: np.vander(x, increasing=True), dtypes=BOTH, tolerance=LOOSE),
    S("linalg.vander", (A(2, 3),), {"N": 5}, lambda x, N: np.stack([np.vander(r, N, increasing=True) for r in x]), dtypes=BOTH, tolerance=LOOSE),
]  # fmt: skip

ERRORS = [
    E("linalg.cholesky", (V([[1.0, 0.0], [0.0, -1.0]]),), RuntimeError, "linalg.cholesky: The factorization could not be completed because the input is not positive-definite (the leading minor of order 2 is not positive-definite)."),
    E("linalg.cholesky", (V(np.zeros((2, 2, 2))),), RuntimeError, "linalg.cholesky: (Batch element 0): The factorization could not be completed"),
    E("linalg.cholesky", (A(2, 3),), RuntimeError, "linalg.cholesky: A must be batches of square matrices, but they are 2 by 3 matrices"),
    E("linalg.cholesky", (A(3),), RuntimeError, "linalg.cholesky: The input tensor A must have at least 2 dimensions."),
    E("linalg.inv", (V(np.zeros((2, 2))),), RuntimeError, "linalg.inv: The diagonal element 1 is zero, the inversion could not be completed because the input matrix is singular."),
    E("linalg.solve", (V(np.zeros((2, 2))), A(2)), RuntimeError, "torch.linalg.solve: The solver failed because the input matrix is singular."),
    E("linalg.solve", (A(2, 2), A(3, 1)), RuntimeError, "linalg.solve: Incompatible shapes of A and B for the equation AX = B (2x2 and 3x1)"),
    E("linalg.lu_factor", (V(np.zeros((2, 2))),), RuntimeError, "torch.linalg.lu_factor: U[1,1] is zero and using it on lu_solve would result in a division by zero."),
    E("linalg.svd", (V(np.full((2, 2), np.nan)),), RuntimeError, "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values."),
    E("linalg.eig", (V(np.full((2, 2), np.inf)),), RuntimeError, "torch.linalg.eig: input tensor should not contain infs or NaNs."),
    E("linalg.eigh", (A(2, 2), "X"), RuntimeError, "Expected UPLO argument to be 'L' or 'U', but got X"),
    E("linalg.qr", (A(2, 2), "full"), RuntimeError, "qr received unrecognized mode 'full' but expected one of 'reduced' (default), 'r', or 'complete'"),
    E("linalg.pinv", (A(2),), RuntimeError, "linalg.pinv(Float{[2]}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble types"),
    E("linalg.lstsq", (A(3, 2), A(4, 1)), RuntimeError, "torch.linalg.lstsq: input.size(-2) should match other.size(-2)"),
    E("linalg.lstsq", (A(3, 2), A(3, 1)), RuntimeError, "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)", driver="qr"),
    E("linalg.tensorinv", (A(2, 3),), RuntimeError, "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind])"),
    E("linalg.matrix_exp", (A(2, 3),), RuntimeError, "linalg.matrix_exp: A must be batches of square matrices, but they are 2 by 3 matrices"),
    E("linalg.lu_solve", (A(2, 2), V([9, 9], "int32"), A(2, 1)), RuntimeError, "Pivots given to lu_solve must all be greater or equal to 1."),
    E("linalg.ldl_solve", (A(2, 2), V([7, 1], "int32"), A(2, 1)), RuntimeError, "pivots must be those of torch.linalg.ldl_factor, but element 0 is 7"),
    E("linalg.det", (A(2, 2),), RuntimeError, "linalg.det: Expected a floating point or complex tensor as input. Got Long", dtype="int64"),
    E("linalg.inv", (A(2, 2),), RuntimeError, "linalg.inv: Low precision dtypes not supported. Got Half", dtype="float16"),
]
