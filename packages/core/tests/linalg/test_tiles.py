"""Products of floats at the borders of what is packed and tiled: every sum is of whole numbers, so exact."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tallow


def whole(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(-4, 5, shape).astype(dtype)


def stored(a: np.ndarray, transposed: bool) -> tallow.Tensor:
    return tallow.tensor(np.ascontiguousarray(a.T)).t() if transposed else tallow.tensor(a)


ROWS = [1, 2, 6, 13, 14, 15, 29, 130, 515]
COLUMNS = [1, 7, 8, 16, 17, 32, 33, 65, 385]
DEPTHS = [1, 3, 4, 5, 65, 513]


@pytest.mark.parametrize("m", ROWS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_borders_of_tiles(m: int, dtype: str) -> None:
    for n, k in itertools.product(COLUMNS, DEPTHS):
        a, b = whole(m, k, dtype=dtype), whole(k, n, dtype=dtype)
        want = a @ b
        for ta, tb in itertools.product((False, True), repeat=2):
            assert np.array_equal((stored(a, ta) @ stored(b, tb)).numpy(), want), (n, k, ta, tb)


PANELS = [(20, 2100, 2081), (600, 1100, 64), (2100, 30, 2060), (520, 512, 512), (129, 600, 1030)]


@pytest.mark.parametrize(("m", "k", "n"), PANELS)
def test_more_than_a_panel(m: int, k: int, n: int) -> None:
    a, b = whole(m, k), whole(k, n)
    want = a.astype("float64") @ b
    for ta, tb in itertools.product((False, True), repeat=2):
        assert np.array_equal((stored(a, ta) @ stored(b, tb)).numpy(), want), (ta, tb)


@pytest.mark.parametrize(("m", "k", "n"), [(15, 7, 33), (64, 520, 40), (600, 530, 70), (64, 70, 600)])
@pytest.mark.parametrize(("alpha", "beta"), [(1, 1), (2, -1), (0, 3), (-2, 0)])
def test_scales(m: int, k: int, n: int, alpha: int, beta: int) -> None:
    a, b, c = whole(m, k), whole(k, n), whole(m, n)
    want = alpha * (a @ b) + beta * c
    for ta, tb in itertools.product((False, True), repeat=2):
        got = tallow.addmm(tallow.tensor(c), stored(a, ta), stored(b, tb), alpha=alpha, beta=beta)
        assert np.array_equal(got.numpy(), want), (ta, tb)


def test_no_depth() -> None:
    assert (tallow.ones(3, 0) @ tallow.ones(0, 5)).tolist() == [[0.0] * 5] * 3
    assert tallow.addmm(tallow.ones(3, 5), tallow.ones(3, 0), tallow.ones(0, 5), beta=2).tolist() == [[2.0] * 5] * 3


@pytest.mark.parametrize(
    ("m", "k", "n"),
    [
        (64, 784, 512),
        (300, 1030, 290),
        (700, 600, 400),
        (768, 2048, 256),
        (32, 256, 1024),
        (96, 600, 40),
        (33, 1000, 33),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_do_not_change_a_bit(m: int, k: int, n: int, dtype: str) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    before = tallow.get_num_threads()
    try:
        for ta, tb in itertools.product((False, True), repeat=2):
            x, y, seen = stored(a, ta), stored(b, tb), []
            for threads in (1, 2, 3):
                tallow.set_num_threads(threads)
                seen.append((x @ y).numpy())
            assert np.array_equal(seen[0], seen[1]) and np.array_equal(seen[0], seen[2]), (ta, tb)
    finally:
        tallow.set_num_threads(before)


def test_what_lies_behind_the_rows_is_not_read() -> None:
    # The last rows of a larger array: what lies behind them is not read.
    whole_a = tallow.full((40, 50), float("nan"))
    whole_b = tallow.full((50, 60), float("nan"))
    a, b = whole_a[:17, :23], whole_b[:23, :37]
    a.copy_(tallow.tensor(whole(17, 23)))
    b.copy_(tallow.tensor(whole(23, 37)))
    for x, y in ((a, b), (b.t(), a.t())):
        want = np.ascontiguousarray(x.numpy()) @ np.ascontiguousarray(y.numpy())
        assert np.array_equal((x @ y).numpy(), want)


@pytest.mark.parametrize(
    ("m", "k", "n"), [(1, 7, 33), (15, 7, 1), (64, 784, 512), (600, 1100, 70), (30, 600, 90), (5, 0, 4)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bfloat16", "complex64"])
def test_a_row_is_added_to_all(m: int, k: int, n: int, dtype: str) -> None:
    a, b, row = whole(m, k), whole(k, n), whole(n)
    want = (2 * (a @ b) - 3 * row).astype("float64")
    t = getattr(tallow, dtype)
    rows = [tallow.tensor(row), tallow.tensor(row)[None].expand(m, n), tallow.tensor(np.repeat(row, 2))[::2]]
    for ta, tb in itertools.product((False, True), repeat=2):
        for r in rows:
            got = tallow.addmm(r.to(t), stored(a, ta).to(t), stored(b, tb).to(t), alpha=2, beta=-3)
            near = np.abs(np.real(got.to(tallow.complex128 if t.is_complex else tallow.float64).numpy()) - want)
            assert near.max() <= (np.abs(want).max() / 100 if dtype == "bfloat16" else 0), (ta, tb)


def test_a_row_of_the_result_itself() -> None:
    out = tallow.tensor(whole(20, 40))
    a, b = whole(20, 30), whole(30, 40)
    want = a @ b + out.numpy()[3]
    assert np.array_equal(tallow.addmm(out[3], tallow.tensor(a), tallow.tensor(b), out=out).numpy(), want)
