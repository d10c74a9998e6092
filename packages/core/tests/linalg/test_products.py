"""Matrix products: layouts, sizes, threads; einsum's forms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tallow


def numbers(*shape: int, dtype: str = "float32") -> np.ndarray:
    rng = np.random.default_rng(sum(shape))
    out = rng.standard_normal(shape)
    return (out + 1j * rng.standard_normal(shape)).astype(dtype) if dtype.startswith("complex") else out.astype(dtype)


SIZES = [(1, 1, 1), (3, 1, 5), (17, 33, 9), (64, 64, 64), (130, 257, 70), (1, 500, 300)]


@pytest.mark.parametrize(("m", "k", "n"), SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_every_layout_of_the_operands(m: int, k: int, n: int, dtype: str) -> None:
    a, b = numbers(m, k, dtype=dtype), numbers(k, n, dtype=dtype)
    want = a.astype(np.complex128) @ b
    for ta, tb in itertools.product((False, True), repeat=2):
        x = tallow.tensor(a.T.copy()).t() if ta else tallow.tensor(a)
        y = tallow.tensor(b.T.copy()).t() if tb else tallow.tensor(b)
        got = (x @ y).numpy()
        np.testing.assert_allclose(got, want, atol=1e-4 if dtype != "float64" else 1e-11)


def test_gaps_between_elements() -> None:
    a, b = numbers(20, 30), numbers(30, 40)
    got = tallow.tensor(a)[::2, ::3] @ tallow.tensor(b)[::3, 1::2]
    np.testing.assert_allclose(got.numpy(), a[::2, ::3] @ b[::3, 1::2], atol=1e-5)


@pytest.mark.parametrize("shape", [(200, 300, 100), (1, 4096, 512), (1000, 20, 30)])
def test_threads_do_not_change_a_bit(shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    a, b = tallow.tensor(numbers(m, k)), tallow.tensor(numbers(k, n))
    before = tallow.get_num_threads()
    try:
        seen = []
        for threads in (1, 2, 3):
            tallow.set_num_threads(threads)
            seen.append((a @ b).numpy())
    finally:
        tallow.set_num_threads(before)
    assert np.array_equal(seen[0], seen[1]) and np.array_equal(seen[0], seen[2])


def test_beta_zero_ignores_the_addend() -> None:
    nan = tallow.full((2, 2), float("nan"))
    one = tallow.ones(2, 2)
    assert tallow.addmm(nan, one, one, beta=0).tolist() == [[2, 2], [2, 2]]
    assert tallow.baddbmm(nan.expand(1, 2, 2), one[None], one[None], beta=0).tolist() == [[[2, 2], [2, 2]]]


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij->ji", [(2, 3)]),
        ("ij->", [(2, 3)]),
        ("ij->j", [(2, 3)]),
        ("iij->ij", [(3, 3, 2)]),
        ("iji->j", [(3, 2, 3)]),
        ("ij,j", [(2, 3), (3,)]),
        ("bij,bkj->bik", [(2, 3, 4), (2, 5, 4)]),
        ("bn,anm,bm->ba", [(2, 5), (3, 5, 4), (2, 4)]),
        ("...i,...i->...", [(2, 3, 4), (2, 3, 4)]),
        ("...ij,...jk->...ik", [(2, 1, 3, 4), (5, 4, 2)]),
        ("i...,i...", [(3, 2), (3, 2)]),
        ("i,j,k->ijk", [(2,), (3,), (4,)]),
        ("aB,Bc->ca", [(2, 3), (3, 4)]),
        (" ij , jk -> ik ", [(2, 3), (3, 4)]),
    ],
)
def test_einsum_is_numpys(equation: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [numbers(*s, dtype="float64") for s in shapes]
    got = tallow.einsum(equation, *[tallow.tensor(a) for a in arrays])
    np.testing.assert_allclose(got.numpy(), np.einsum(equation, *arrays), atol=1e-12)


def test_einsum_takes_lists_of_numbers_and_a_list_of_operands() -> None:
    a, b = tallow.tensor(numbers(2, 3)), tallow.tensor(numbers(3, 4))
    want = (a @ b).tolist()
    assert tallow.einsum(a, [0, 1], b, [1, 2], [0, 2]).tolist() == want
    assert tallow.einsum(a, [..., 1], b, [1, 2]).shape == (2, 4)
    assert tallow.einsum("ij,jk->ik", [a, b]).tolist() == want


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [
        ("ij,jk", [(2, 3)], "einsum()"),
        ("ij", [(2, 3), (3,)], "einsum()"),
        ("ij->ii", [(2, 3)], "output subscript i appears more than once"),
        ("ij->k", [(2, 3)], "output subscript k does not appear"),
        ("i1", [(2, 3)], "subscripts must be in [a-zA-Z]"),
        ("..i", [(2, 3)], "not part of any ellipsis"),
        ("ij,jk", [(2, 3), (4, 5)], "subscript j has size 4 for operand 1 which does not broadcast"),
    ],
)
def test_einsum_says_what_is_wrong(equation: str, shapes: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        tallow.einsum(equation, *[tallow.ones(s) for s in shapes])
    assert message in str(caught.value)


@pytest.mark.parametrize("p", [0.0, 1.0, 1.5, 2.0, 3.0, float("inf")])
def test_distances(p: float) -> None:
    a, b = numbers(2, 4, 3, dtype="float64"), numbers(5, 3, dtype="float64")
    want = np.linalg.norm(a[..., :, None, :] - b[None, None], ord=p, axis=-1)
    np.testing.assert_allclose(tallow.cdist(tallow.tensor(a), tallow.tensor(b), p).numpy(), want, rtol=1e-12)


def test_norms_of_singular_values() -> None:
    assert tallow.linalg.matrix_norm(tallow.ones(2, 2), 2).item() == pytest.approx(2)
