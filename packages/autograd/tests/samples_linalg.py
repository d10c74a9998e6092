"""Samples of decompositions: phases and signs that the vectors of a result may have do not enter."""

from __future__ import annotations

from typing import Any

import tallow
from samples import row
from tallow import linalg


def hermitian(a: Any) -> Any:
    return a + a.mH


def definite(a: Any) -> Any:
    return a @ a.mH + 3 * tallow.eye(a.shape[-1], dtype=a.dtype)


def sizes(*vectors: Any) -> tuple[Any, ...]:
    return tuple(v.abs() for v in vectors)


def svd(a: Any, full: bool) -> tuple[Any, ...]:
    u, s, vh = linalg.svd(a, full)
    k = s.shape[-1]
    return u[..., :k] @ vh[..., :k, :], s, *sizes(u[..., :k], vh[..., :k, :])


def lu_solve(a: Any, b: Any, left: bool, adjoint: bool) -> Any:
    factors, pivots = linalg.lu_factor(a)
    return linalg.lu_solve(factors, pivots, b, left=left, adjoint=adjoint)


def eigenvectors(values: Any, vectors: Any) -> tuple[Any, ...]:
    return values, vectors.abs()


SHAPES = ((3, 3), (4, 2), (2, 4), (2, 3, 3))
YES_NO = (False, True)

EQUATIONS = [
    row("linalg_cholesky_ex", lambda a: linalg.cholesky(definite(a)), (3, 3), kinds="rc"),
    row("linalg_cholesky_ex", lambda a: linalg.cholesky(definite(a), upper=True), (2, 2, 2), kinds="rc"),
    row("cholesky_solve", lambda b, a: tallow.cholesky_solve(b, a.tril()), (3, 2), (3, 3), kinds="rc"),
    row("cholesky_solve", lambda b, a: tallow.cholesky_solve(b, a.triu(), True), (2, 3, 1), (2, 3, 3), kinds="rc"),
    row("cholesky_inverse", lambda a: tallow.cholesky_inverse(a.tril()), (3, 3), kinds="rc"),
    row("cholesky_inverse", lambda a: tallow.cholesky_inverse(a.triu(), True), (3, 3), kinds="rc"),
    row("linalg_inv_ex", lambda a: linalg.inv(a), (2, 3, 3), kinds="rc"),
    row("_linalg_det", lambda a: linalg.det(a), (2, 3, 3), kinds="rc"),
    row("_linalg_slogdet", lambda a: linalg.slogdet(a)[1], (2, 3, 3), kinds="rc"),
    row("_linalg_slogdet", lambda a: tuple(linalg.slogdet(a)), (3, 3), kinds="c"),
    row("_linalg_slogdet", lambda a: tallow.logdet(definite(a)), (3, 3), kinds="rc"),
    row("_linalg_solve_ex", lambda a, b: linalg.solve(a, b), (3, 3), (3, 2), kinds="rc"),
    row("_linalg_solve_ex", lambda a, b: linalg.solve(a, b), (2, 3, 3), (3,), kinds="rc"),
    row("_linalg_solve_ex", lambda a, b: linalg.solve(a, b, left=False), (3, 3), (2, 2, 3), kinds="rc"),
    *(
        row(
            "linalg_solve_triangular",
            lambda a, b, u=u, d=d: linalg.solve_triangular(a, b, upper=u, unitriangular=d),
            (2, 3, 3),
            (3, 2),
            kinds="rc",
        )
        for u in YES_NO
        for d in YES_NO
    ),
    row(
        "linalg_solve_triangular",
        lambda a, b: linalg.solve_triangular(a, b, upper=True, left=False),
        (3, 3),
        (2, 3),
        kinds="rc",
    ),
    *(row("linalg_lu_factor_ex", lambda a: linalg.lu_factor(a)[0], s, kinds="rc") for s in SHAPES),
    *(row("linalg_lu_factor_ex", lambda a: linalg.lu(a)[1:], s, kinds="rc") for s in SHAPES),
    *(
        row("linalg_lu_solve", lambda a, b, f=f: lu_solve(a, b, True, f), (3, 3), (2, 3, 2), kinds="rc", twice=not f)
        for f in YES_NO
    ),
    *(row("linalg_lu_solve", lambda a, b, f=f: lu_solve(a, b, False, f), (3, 3), (2, 3), kinds="rc") for f in YES_NO),
]

SPECTRA = [
    *(row("linalg_qr", lambda a: tuple(linalg.qr(a)), s, kinds="rc") for s in SHAPES),
    row("linalg_qr", lambda a: tuple(linalg.qr(a, "complete")), (2, 4), kinds="rc"),
    row("linalg_qr", lambda a: linalg.qr(a).R, (2, 4), kinds="rc"),
    row("linalg_qr", lambda a: linalg.qr(a).Q, (2, 4), kinds="rc"),
    row("linalg_householder_product", lambda a, t: linalg.householder_product(a, t), (4, 3), (3,), kinds="rc"),
    row("linalg_householder_product", lambda a, t: linalg.householder_product(a, t), (2, 4, 3), (2, 2), kinds="rc"),
    row("ormqr", lambda a, t, b: tallow.ormqr(a, t, b), (4, 2), (2,), (4, 3), kinds="rc"),
    *(row("_linalg_svd", lambda a, f=f: svd(a, f), s, kinds="rc") for s in SHAPES for f in YES_NO),
    row("_linalg_svd", lambda a: linalg.svdvals(a), (2, 3, 2), kinds="rc"),
    row("_linalg_svd", lambda a: linalg.svd(a, False).U.abs(), (4, 2), kinds="rc"),
    row("_linalg_svd", lambda a: linalg.svd(a, False).Vh.abs(), (2, 4), kinds="rc"),
    row("_linalg_eigh", lambda a: eigenvectors(*linalg.eigh(hermitian(a))), (2, 3, 3), kinds="rc"),
    row("_linalg_eigh", lambda a: linalg.eigvalsh(hermitian(a), "U"), (3, 3), kinds="rc"),
    row("linalg_eig", lambda a: eigenvectors(*linalg.eig(a)), (3, 3), kinds="rc"),
    row("linalg_eig", lambda a: linalg.eigvals(a), (2, 3, 3), kinds="rc"),
]

MADE_OF_THEM = [
    *(row("_linalg_pinv", lambda a: linalg.pinv(a), s, kinds="rc") for s in SHAPES),
    *(row("_linalg_lstsq", lambda a, b: linalg.lstsq(a, b)[0], s, (*s[:-1], 2), kinds="rc") for s in SHAPES),
    row("_linalg_lstsq", lambda a, b: linalg.lstsq(a, b, driver="gels")[:2], (4, 2), (4, 2), kinds="rc"),
    row("_linalg_lstsq", lambda a, b: linalg.lstsq(a, b, driver="gels")[1], (2, 4, 2), (2, 4), kinds="r"),
    row("matrix_exp", lambda a: tallow.matrix_exp(a), (2, 2, 2), kinds="rc"),
    row("matrix_exp", lambda a: tallow.matrix_exp(8 * a), (3, 3), tolerance={"rtol": 1e-2}),
    *(row("linalg_cond", lambda a, p=p: linalg.cond(a, p), (3, 3), kinds="rc") for p in (2, 1, "nuc")),
    *(row("linalg_matrix_norm", lambda a, p=p: linalg.matrix_norm(a, p), (3, 2), kinds="rc") for p in (2, -2, "nuc")),
    row("matrix_power", lambda a: tallow.matrix_power(a, -2), (3, 3), kinds="rc"),
    row("lobpcg", lambda a: tallow.lobpcg(hermitian(a), k=2)[0], (4, 4), kinds="rc"),
]

ROWS = EQUATIONS + SPECTRA + MADE_OF_THEM
