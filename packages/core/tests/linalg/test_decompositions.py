"""What the table of samples does not say of decompositions: identities, failures, and what is written in Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tallow
from tallow import linalg

DTYPES = [tallow.float64, tallow.complex128]


def random(*shape: int, dtype=tallow.float64) -> tallow.Tensor:
    tallow.manual_seed(sum(shape))
    return tallow.randn(*shape, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7, 7), (3, 12, 9), (2, 2, 9, 20), (1, 1), (0, 4, 4)])
def test_factors_multiply_to_the_matrix(shape, dtype):
    a = random(*shape, dtype=dtype)
    q, r = linalg.qr(a)
    u, s, vh = linalg.svd(a, full_matrices=False)
    p, lower, upper = linalg.lu(a)
    for product in (q @ r, (u * s.unsqueeze(-2)) @ vh, p @ lower @ upper):
        assert tallow.allclose(product, a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 3, 8, 9, 40])  # small matrices are eliminated by loops of our own
def test_equations(n, dtype):
    a, b = random(3, n, n, dtype=dtype), random(3, n, 2, dtype=dtype)
    identity = tallow.eye(n, dtype=dtype).expand(3, n, n)
    assert tallow.allclose(a @ linalg.solve(a, b), b)
    assert tallow.allclose(linalg.solve(a, b.mT, left=False) @ a, b.mT)
    assert tallow.allclose(linalg.inv(a) @ a, identity)
    factors, pivots = linalg.lu_factor(a)
    assert tallow.allclose(a.mH @ linalg.lu_solve(factors, pivots, b, adjoint=True), b)
    assert tallow.allclose(linalg.lu_solve(factors, pivots, b.mT, left=False, adjoint=True) @ a.mH, b.mT)
    sign, log = linalg.slogdet(a)
    assert tallow.allclose(sign * log.exp(), linalg.det(a))
    ld, order = linalg.ldl_factor(a + a.mH, hermitian=True)
    assert tallow.allclose((a + a.mH) @ linalg.ldl_solve(ld, order, b, hermitian=True), b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_eigenvectors(dtype):
    a = random(2, 6, 6, dtype=dtype)
    w, v = linalg.eig(a)
    assert w.dtype == v.dtype == tallow.complex128
    assert tallow.allclose(a.to(v.dtype) @ v, v * w.unsqueeze(-2))
    assert tallow.allclose(linalg.vector_norm(v, dim=-2), tallow.ones(2, 6, dtype=tallow.float64))
    w, v = linalg.eigh(a + a.mH)
    assert tallow.allclose((a + a.mH) @ v, v * w.unsqueeze(-2))


def test_results_have_names():
    assert linalg.svd(random(2, 2))._fields == ("U", "S", "Vh")
    assert linalg.slogdet(random(2, 2))._fields == ("sign", "logabsdet")
    assert linalg.lstsq(random(2, 2), random(2, 2))._fields == ("solution", "residuals", "rank", "singular_values")


def test_a_failure_names_the_matrix():
    batch = tallow.stack([tallow.eye(2), tallow.zeros(2, 2)])
    with pytest.raises(linalg.LinAlgError, match=r"linalg.inv: \(Batch element 1\): The diagonal element 1 is zero"):
        linalg.inv(batch)
    with pytest.raises(linalg.LinAlgError, match=r"linalg.cholesky: \(Batch element 1\): .* minor of order 1 is not"):
        linalg.cholesky(batch)
    assert issubclass(linalg.LinAlgError, RuntimeError)
    assert linalg.inv_ex(batch).info.tolist() == [0, 1]
    assert linalg.cholesky_ex(batch).info.tolist() == [0, 1]
    with pytest.raises(linalg.LinAlgError, match="linalg.inv_ex"):
        linalg.inv_ex(batch, check_errors=True)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e308, 1e-320])
@pytest.mark.parametrize("name", ["svd", "svdvals", "eigh", "eig", "lstsq", "pinv", "qr", "inv", "det", "matrix_exp"])
def test_numbers_that_are_none_end_in_a_result_or_an_error(name, value):
    a = random(5, 5)
    a[2, 3] = a[3, 2] = value
    try:
        getattr(linalg, name)(*([a, a] if name == "lstsq" else [a]))
    except RuntimeError as error:
        assert "linalg" in str(error)


def test_least_squares_of_numbers_that_are_none_are_none():
    a = random(4, 2)
    a[0, 0] = math.nan
    assert linalg.lstsq(a, random(4, 1), driver="gelsd").solution.isnan().all()


def test_exponential_of_a_rotation():
    turn = tallow.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=tallow.float64)
    for angle in (0.1, 3.0, 50.0):
        want = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        np.testing.assert_allclose(tallow.matrix_exp(angle * turn).numpy(), want, atol=1e-12)
    assert tallow.matrix_exp(tallow.full((2, 2), math.inf)).isnan().all()


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("general", [True, False])
def test_a_few_eigenvalues(largest, general):
    a = random(2, 50, 50)
    a = a + a.mH
    b = a @ a.mH + 50 * tallow.eye(50, dtype=a.dtype) if general else None
    w, x = tallow.lobpcg(a, k=3, B=b, largest=largest)
    bx = x if b is None else b @ x
    assert tallow.allclose(a @ x, bx * w.unsqueeze(-2), atol=1e-5)
    assert tallow.allclose(x.mH @ bx, tallow.eye(3, dtype=a.dtype).expand(2, 3, 3), atol=1e-8)
    if b is None:
        every = linalg.eigvalsh(a)
        want = every[..., -3:].flip(-1) if largest else every[..., :3]
        assert tallow.allclose(w, want, atol=1e-8)
    with pytest.raises(ValueError, match="expected 0 < k <= n <= m, but got k=60"):
        tallow.lobpcg(a, k=60)


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (2, 9, 12)])
def test_low_rank(shape):
    a = random(*shape[:-1], 4) @ random(*shape[:-2], 4, shape[-1])
    u, s, v = tallow.svd_lowrank(a, q=6)
    assert tallow.allclose((u * s.unsqueeze(-2)) @ v.mH, a)
    u, s, v = tallow.pca_lowrank(a, q=5)
    assert tallow.allclose((u * s.unsqueeze(-2)) @ v.mH, a - a.mean(-2, keepdim=True))
    with pytest.raises(ValueError, match=r"q\(=-1\) must be non-negative integer"):
        tallow.pca_lowrank(a, q=-1)


def test_older_forms():
    a = random(3, 3)
    packed, pivots, info = tallow.lu(a, get_infos=True)
    assert tallow.equal(packed, a.lu()[0]) and pivots.dtype == tallow.int32 and info.item() == 0
    p, lower, upper = tallow.lu_unpack(packed, pivots)
    assert tallow.allclose(p @ lower @ upper, a)
    u, s, v = tallow.svd(a)
    assert tallow.allclose(u @ s.diag() @ v.mH, a)
    assert tallow.allclose(tallow.triangular_solve(a, a.triu()).solution, linalg.solve(a.triu(), a))
