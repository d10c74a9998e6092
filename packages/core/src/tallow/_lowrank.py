"""Decompositions that are written in Python: of low rank, of a few eigenvalues, and older forms of others."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import _ops, linalg
from tallow._core import Tensor

__all__ = ["lobpcg", "lu", "pca_lowrank", "svd_lowrank"]


def _range_of(a: Tensor, q: int, niter: int) -> Tensor:
    """Orthonormal columns whose span nearly holds the range of ``a``."""
    basis = linalg.qr(a @ tallow.randn(*a.shape[:-2], a.shape[-1], q, dtype=a.dtype, device=a.device)).Q
    for _ in range(niter):
        basis = linalg.qr(a.mH @ basis).Q
        basis = linalg.qr(a @ basis).Q
    return basis


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The first ``q`` singular values and vectors of ``A - M``, from a random projection.

    Halko, Martinsson and Tropp, "Finding structure with randomness", 2009, algorithms 4.4 and 5.1.

    Args:
        A: (..., m, n).
        q: how many; a few more than the rank that is looked for.
        niter: steps of the power method; more of them for singular values that fall slowly.
        M: what is subtracted, broadcast to ``A``: a row of means, for instance.

    Returns:
        ``U`` (..., m, q), ``S`` (..., q) and ``V`` (..., n, q).

    >>> import tallow
    >>> a = tallow.outer(tallow.tensor([3.0, 4.0]), tallow.tensor([1.0, 0.0, 0.0]))
    >>> tallow.svd_lowrank(a, q=1)[1]
    tensor([5.])
    """
    q = 6 if q is None else q
    a = A if M is None else A - M
    wide = a.shape[-2] < a.shape[-1]
    tall = a.mH if wide else a
    basis = _range_of(tall, q, 2 if niter is None else niter)
    u, s, vh = linalg.svd(basis.mH @ tall, full_matrices=False)
    left, right = basis @ u, vh.mH
    return (right, s, left) if wide else (left, s, right)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Principal components: :func:`svd_lowrank` of the rows of ``A``, minus their mean where ``center``.

    Args:
        A: (..., m, n), m samples of n features.
        q: how many components, by default ``min(6, m, n)``.

    Raises:
        ValueError: ``q`` or ``niter`` is negative, or ``q`` larger than ``min(m, n)``.

    >>> import tallow
    >>> points = tallow.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    >>> tallow.pca_lowrank(points, q=1)[1]
    tensor([2.])
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A, q, niter, A.mean(-2, keepdim=True) if center else None)


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> tuple[Tensor, ...]:
    """LU factors as :func:`tallow.linalg.lu_factor` packs them; with ``get_infos`` also where they failed.

    >>> import tallow
    >>> tallow.lu(tallow.tensor([[4.0, 1.0], [2.0, 3.0]]))[0]
    tensor([[4.0000, 1.0000],
            [0.5000, 2.5000]])
    """
    result = tuple(_ops.packet("_lu_with_info")(A, pivot=pivot, check_errors=not get_infos))
    result = result if get_infos else result[:2]
    if out is None:
        return result
    if len(out) != len(result):
        raise TypeError(f"expected tuple of {len(result)} elements but got {len(out)}")
    return tuple(o.resize_(r.shape).copy_(r) for o, r in zip(out, result, strict=True))


# ---------------------------------------------------------------- a few eigenvalues
def _standard(A: Tensor, B: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """A matrix with the eigenvalues of ``A x = w B x``, and what turns its vectors into those x."""
    if B is None:
        return A, None
    factor = linalg.cholesky(B)
    half = linalg.solve_triangular(factor, A, upper=False)
    return linalg.solve_triangular(factor.mH, half, upper=True, left=False), factor.mH


def lobpcg(
    A: Tensor,
    k: int | None = None,
    B: Tensor | None = None,
    X: Tensor | None = None,
    n: int | None = None,
    iK: Tensor | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Any = None,
    ortho_iparams: dict[str, int] | None = None,
    ortho_fparams: dict[str, float] | None = None,
    ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:
    """The ``k`` largest (or smallest) eigenvalues of ``A x = w B x`` and their vectors, by products with A alone.

    Knyazev, "Toward the optimal preconditioned eigensolver: locally optimal block preconditioned conjugate gradient
    method", 2001. Where a gradient is wanted, or the matrix is small, all eigenvalues are computed instead.

    Args:
        A: (..., m, m), symmetric or Hermitian.
        k: how many, by default as many as ``X`` has columns, or 1.
        B: (..., m, m), positive definite; the identity by default.
        X: (..., m, n), a first guess of the vectors.
        iK: (..., m, m), a preconditioner.
        niter: at most so many steps; ``None`` or -1 for as many as it takes.
        tol: where the residuals relative to the sizes of the matrix end it; the root of epsilon by default.
        tracker, ortho_iparams, ortho_fparams, ortho_bparams: accepted, and without effect.

    Returns:
        Eigenvalues (..., k), and vectors (..., m, k) that are orthonormal with respect to ``B``.

    >>> import tallow
    >>> tallow.lobpcg(tallow.diag(tallow.arange(1.0, 6.0)), k=2)[0]
    tensor([5., 4.])
    """
    if method not in (None, "basic", "ortho"):
        raise ValueError(f"lobpcg(): method must be 'basic' or 'ortho', but got {method!r}")
    m = A.shape[-1]
    if A.ndim < 2 or A.shape[-2] != m:
        raise RuntimeError(f"lobpcg(): A must be a square matrix or a batch of them, but got {tuple(A.shape)}")
    k = (1 if X is None else X.shape[-1]) if k is None else k
    size = k if n is None else n
    if not 0 < k <= size <= m:
        raise ValueError(f"lobpcg(): expected 0 < k <= n <= m, but got k={k}, n={size} and m={m}")
    upward = largest is None or largest
    graded = A.requires_grad or (B is not None and B.requires_grad)
    if (graded and tallow.is_grad_enabled()) or m < 3 * size:
        matrix, back = _standard(A, B)
        w, v = linalg.eigh(matrix)
        w, v = (w.flip(-1), v.flip(-1)) if upward else (w, v)
        v = v[..., :k]
        return w[..., :k], v if back is None else linalg.solve_triangular(back, v, upper=True)
    with tallow.no_grad():
        if A.ndim > 2:
            batch = A.shape[:-2]
            flat = [t if t is None else t.expand(*batch, *t.shape[-2:]).reshape(-1, *t.shape[-2:]) for t in (B, X, iK)]
            found = [
                _lobpcg(a, k, size, *(None if t is None else t[i] for t in flat), niter, tol, upward)  # type: ignore
                for i, a in enumerate(A.reshape(-1, m, m))
            ]
            w, v = (tallow.stack([f[i] for f in found]) for i in (0, 1))
            return w.reshape(*batch, k), v.reshape(*batch, m, k)
        return _lobpcg(A, k, size, B, X, iK, niter, tol, upward)


def _lobpcg(
    A: Tensor,
    k: int,
    n: int,
    B: Tensor | None,
    X: Tensor | None,
    iK: Tensor | None,
    niter: int | None,
    tol: float | None,
    upward: bool,
) -> tuple[Tensor, Tensor]:
    m = A.shape[-1]
    tol = tallow.finfo(A.dtype).eps ** 0.5 if tol is None else tol
    steps = 1000 if niter is None or niter < 0 else niter
    scale = A.abs().sum(-1).max().item()

    def times(t: Tensor) -> Tensor:
        return t if B is None else B @ t

    def orthonormal(t: Tensor) -> Tensor:
        """The span of t, orthonormal with respect to B; directions that add nothing are dropped."""
        w, v = linalg.eigh(t.mH @ times(t))
        keep = w > w[-1] * tallow.finfo(A.dtype).eps * m
        return t @ (v[:, keep] / w[keep].sqrt())

    def ritz(basis: Tensor) -> tuple[Tensor, Tensor]:
        w, v = linalg.eigh(basis.mH @ (A @ basis))
        return (w.flip(-1)[:n], v.flip(-1)[:, :n]) if upward else (w[:n], v[:, :n])

    x = tallow.randn(m, n, dtype=A.dtype, device=A.device) if X is None else X[:, :n]
    basis = orthonormal(x)
    if basis.shape[-1] < n:
        basis = orthonormal(tallow.cat([basis, tallow.randn(m, n, dtype=A.dtype, device=A.device)], -1))
    w, c = ritz(basis)
    x, p = basis @ c, None
    for _ in range(steps):
        residual = A @ x - times(x) * w
        if (linalg.vector_norm(residual[:, :k], dim=0) <= tol * scale).all():
            break
        if iK is not None:
            residual = iK @ residual
        # What x does not have yet, of the residuals and of the last step, each to its own length.
        new = residual if p is None else tallow.cat([residual, p], -1)
        new = new - x @ (x.mH @ times(new))
        new = new / linalg.vector_norm(new, dim=0).clamp(min=tallow.finfo(A.dtype).tiny)
        new = orthonormal(new)
        new = orthonormal(new - x @ (x.mH @ times(new)))
        w, c = ritz(tallow.cat([x, new], -1))
        p = new @ c[n:]
        x = x @ c[:n] + p
    return w[:k], x[:, :k]
