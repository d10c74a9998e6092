"""Random numbers: distributions, seeds, layouts, threads, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tallow

N = 20000


@pytest.fixture(autouse=True)
def seeded() -> None:
    tallow.manual_seed(1234)


def moments(t: tallow.Tensor) -> tuple[float, float]:
    a = t.to(tallow.float64).numpy()
    return float(a.mean()), float(a.std())


@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64, tallow.float16, tallow.bfloat16])
@pytest.mark.parametrize(
    ("fill", "mean", "std"),
    [
        (lambda t: t.uniform_(-1, 3), 1.0, 4 / math.sqrt(12)),
        (lambda t: t.normal_(2, 3), 2.0, 3.0),
        (lambda t: t.exponential_(2.0), 0.5, 0.5),
        (lambda t: t.geometric_(0.25), 4.0, math.sqrt(12)),
        (lambda t: t.bernoulli_(0.3), 0.3, math.sqrt(0.21)),
        (lambda t: t.log_normal_(0.0, 0.5), math.exp(0.125), math.exp(0.125) * math.sqrt(math.exp(0.25) - 1)),
    ],
)
def test_moments(dtype: tallow.dtype, fill: object, mean: float, std: float) -> None:
    t = tallow.empty(N, dtype=dtype)
    assert fill(t) is t  # type: ignore[operator]
    got_mean, got_std = moments(t)
    assert abs(got_mean - mean) < 6 * std / math.sqrt(N) + 0.02 * abs(mean)
    assert abs(got_std - std) < 0.06 * std


def test_normal_has_the_shape_of_a_bell() -> None:
    a = np.sort(tallow.randn(N).numpy())
    expected = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in a])
    assert np.abs(expected - (np.arange(N) + 0.5) / N).max() < 1.95 / math.sqrt(N)  # Kolmogorov and Smirnov, 0.1%
    assert np.isfinite(a).all()


def test_neighbours_are_independent() -> None:
    a = tallow.randn(N).numpy()
    for lag in (1, 2, 3, 4, 8):
        assert abs(np.mean(a[lag:] * a[:-lag])) < 5 / math.sqrt(N)


def test_cauchy_by_its_quartiles() -> None:
    a = tallow.empty(N).cauchy_(1.0, 2.0).numpy()
    assert np.allclose(np.quantile(a, [0.25, 0.5, 0.75]), [-1, 1, 3], atol=0.15)


@pytest.mark.parametrize("rate", [0.5, 5.0, 30.0])
def test_poisson(rate: float) -> None:
    mean, std = moments(tallow.poisson(tallow.full([N], rate)))
    assert abs(mean - rate) < 6 * math.sqrt(rate / N)
    assert abs(std - math.sqrt(rate)) < 0.05 * math.sqrt(rate)


def test_integers_are_uniform() -> None:
    counts = np.bincount(tallow.randint(2, 7, (N,)).numpy(), minlength=7)
    assert (counts[:2] == 0).all()
    assert np.abs(counts[2:] - N / 5).max() < 6 * math.sqrt(N / 5)


def test_random_fills_what_the_dtype_holds() -> None:
    assert set(tallow.empty(1000, dtype=tallow.bool).random_().tolist()) == {False, True}
    small = tallow.empty(5000, dtype=tallow.int8).random_()
    assert small.min().item() >= 0 and small.max().item() > 100
    values = set(tallow.empty(1000).random_(3, 5).tolist())
    assert values == {3.0, 4.0}


def test_permutations_are_permutations() -> None:
    assert sorted(tallow.randperm(1000).tolist()) == list(range(1000))
    assert tallow.randperm(1000).tolist() != tallow.randperm(1000).tolist()


def test_multinomial_follows_its_weights() -> None:
    weights = tallow.tensor([0.0, 1.0, 3.0])
    draws = tallow.multinomial(weights, N, replacement=True).numpy()
    counts = np.bincount(draws, minlength=3)
    assert counts[0] == 0
    assert abs(counts[2] / N - 0.75) < 0.02
    without = tallow.multinomial(tallow.tensor([[1.0, 2.0, 3.0]]).expand(500, 3), 3)
    assert all(sorted(row) == [0, 1, 2] for row in without.tolist())


def test_the_seed_decides() -> None:
    a = tallow.manual_seed(3) and tallow.rand(5)
    b = tallow.manual_seed(3) and tallow.rand(5)
    c = tallow.rand(5)
    assert a.tolist() == b.tolist() != c.tolist()
    g, h = tallow.Generator(), tallow.Generator()
    g.manual_seed(9), h.manual_seed(9)
    assert tallow.randn(4, generator=g).tolist() == tallow.randn(4, generator=h).tolist()


def test_the_state_can_be_put_back() -> None:
    state = tallow.get_rng_state()
    a = tallow.randn(10)
    tallow.set_rng_state(state)
    assert tallow.randn(10).tolist() == a.tolist()
    with tallow.random.fork_rng():
        b = tallow.rand(3)
    assert tallow.rand(3).tolist() == b.tolist()


def test_layout_does_not_matter() -> None:
    tallow.manual_seed(5)
    plain = tallow.empty(6, 4).normal_()
    tallow.manual_seed(5)
    transposed = tallow.empty(4, 6).t().normal_()
    assert plain.tolist() == transposed.tolist()


@pytest.mark.parametrize("name", ["uniform_", "normal_", "exponential_", "cauchy_", "log_normal_", "bernoulli_"])
def test_threads_do_not_matter(name: str) -> None:
    before = tallow.get_num_threads()
    try:
        seen = []
        for threads in (1, 2):
            tallow.set_num_threads(threads)
            tallow.manual_seed(5)
            seen.append(getattr(tallow.empty(300001), name)().numpy())
    finally:
        tallow.set_num_threads(before)
    assert np.array_equal(*seen)


def test_complex_normal_has_unit_variance() -> None:
    a = tallow.randn(N, dtype=tallow.complex64).numpy()
    assert abs(np.mean(np.abs(a) ** 2) - 1) < 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.uniform_(2, 1), "uniform_ expects to return a [from, to) range, but found from=2 > to=1"),
        (lambda t: t.normal_(0, -1), "normal expects std >= 0.0, but found std -1"),
        (lambda t: t.exponential_(-1.0), "exponential_ expects lambda > 0.0, but found lambda=-1"),
        (lambda t: t.geometric_(1.5), "geometric_ expects p to be in (0, 1), but got p=1.5"),
        (lambda t: t.bernoulli_(2.0), "bernoulli_ expects p to be in [0, 1], but got p=2"),
        (lambda t: t.random_(5, 5), "random_ expects 'from' to be less than 'to', but got from=5 >= to=5"),
    ],
)
def test_arguments_out_of_range(call: object, message: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        call(tallow.empty(3))  # type: ignore[operator]
    assert message in str(caught.value)


def test_integers_have_no_normal_distribution() -> None:
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        tallow.empty(3, dtype=tallow.int64).normal_()
