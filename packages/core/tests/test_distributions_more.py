"""The families beside normal, uniform and categorical: formulas, moments of samples, batches, divergences, messages."""

import math

import pytest

import tallow
from tallow import tensor
from tallow.distributions import (
    Bernoulli,
    Categorical,
    Cauchy,
    Exponential,
    Geometric,
    Gumbel,
    HalfNormal,
    Independent,
    Laplace,
    LogNormal,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
    Poisson,
    Uniform,
    kl_divergence,
)

FACTOR = [[2.0, 0.0], [0.5, 1.0]]  # of the covariance [[4, 1], [1, 1.25]], whose determinant is 4

LOG_PROBABILITIES = [
    (Laplace(1.0, 2.0), 3.0, -1 - math.log(4)),
    (Cauchy(1.0, 2.0), 3.0, -math.log(math.pi * 2 * 2)),
    (Gumbel(1.0, 2.0), 3.0, -1 - math.exp(-1) - math.log(2)),
    (Exponential(2.0), 3.0, math.log(2) - 6),
    (HalfNormal(2.0), 2.0, math.log(2) - 0.5 - math.log(2 * math.sqrt(2 * math.pi))),
    (LogNormal(0.0, 1.0), math.e, -0.5 - math.log(math.sqrt(2 * math.pi)) - 1),
    (Poisson(2.0), 3.0, 3 * math.log(2) - 2 - math.log(6)),
    (Geometric(0.25), 2.0, math.log(0.25 * 0.75**2)),
    (OneHotCategorical(tensor([1.0, 3.0])), [0.0, 1.0], math.log(0.75)),
    (Independent(Normal(tensor([0.0, 1.0]), 1.0), 1), [1.0, 1.0], -0.5 - math.log(2 * math.pi)),
    (
        MultivariateNormal(tensor([0.0, 1.0]), scale_tril=tensor(FACTOR)),
        [2.0, 1.0],
        -0.5 * (4 * 1.25 / 4) - 0.5 * math.log(4) - math.log(2 * math.pi),
    ),
]
CONTINUOUS = [
    Laplace(1.0, 2.0), Cauchy(1.0, 2.0), Gumbel(1.0, 2.0), Exponential(2.0), HalfNormal(2.0), LogNormal(0.0, 0.5),
]  # fmt: skip
ALL = [*(row[0] for row in LOG_PROBABILITIES), Categorical(logits=tensor([0.0, 1.0]))]


def name(value):
    return type(value).__name__ if isinstance(value, tallow.distributions.Distribution) else ""


@pytest.mark.parametrize(("d", "value", "expected"), LOG_PROBABILITIES, ids=name)
def test_log_probabilities(d, value, expected):
    assert d.log_prob(tensor(value)).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("d", CONTINUOUS, ids=name)
def test_cumulative_probabilities_and_their_inverse(d):
    x = d.icdf(tensor([0.2, 0.7]))
    assert d.cdf(x).tolist() == pytest.approx([0.2, 0.7], rel=1e-5)
    # The density is the slope.
    step = 1e-3
    for value in x.tolist():
        slope = (d.cdf(tensor(value + step)) - d.cdf(tensor(value - step))).item() / (2 * step)
        assert d.log_prob(tensor(value)).exp().item() == pytest.approx(slope, rel=5e-3)


@pytest.mark.parametrize("d", [row[0] for row in LOG_PROBABILITIES if not isinstance(row[0], Cauchy)], ids=name)
def test_moments_of_samples(d):
    tallow.manual_seed(0)
    x = d.sample((20000,))
    assert x.shape == (20000, *d.batch_shape, *d.event_shape)
    for got, want in ((x.mean(0), d.mean), (x.var(0), d.variance)):
        assert got.flatten().tolist() == pytest.approx(want.flatten().tolist(), rel=0.08, abs=0.05)


@pytest.mark.parametrize("d", [Laplace(1.0, 2.0), Gumbel(1.0, 2.0), Exponential(2.0), Geometric(0.25)], ids=name)
def test_entropy_is_the_mean_of_minus_the_log_probability(d):
    tallow.manual_seed(1)
    assert -d.log_prob(d.sample((40000,))).mean().item() == pytest.approx(d.entropy().item(), rel=0.03)


@pytest.mark.parametrize(
    ("d", "mode"),
    [
        (Laplace(1.0, 2.0), 1.0), (Exponential(2.0), 0.0), (LogNormal(1.0, 0.5), math.exp(0.75)), (Poisson(2.5), 2.0),
        (Bernoulli(0.7), 1.0), (OneHotCategorical(tensor([1.0, 3.0])), [0.0, 1.0]), (Normal(3.0, 1.0), 3.0),
    ],
    ids=name,
)  # fmt: skip
def test_modes(d, mode):
    assert d.mode.tolist() == pytest.approx(mode)
    assert math.isnan(Bernoulli(0.5).mode.item()) and math.isnan(Uniform(0.0, 1.0).mode.item())


@pytest.mark.parametrize("d", ALL, ids=name)
def test_expand(d):
    value = d.sample()
    wide = d.expand((3, *d.batch_shape))
    assert type(wide) is type(d) and wide.batch_shape == (3, *d.batch_shape) and wide.event_shape == d.event_shape
    assert wide.log_prob(value).tolist() == pytest.approx([d.log_prob(value).item()] * 3)
    assert wide._validate_args == d._validate_args
    _ = d.__dict__.get("probs"), getattr(d, "logits", None)  # what has been computed in between changes nothing
    assert d.expand((2, *d.batch_shape)).sample((5,)).shape == (5, 2, *d.batch_shape, *d.event_shape)


def test_all_values():
    assert Bernoulli(tensor([0.1, 0.2])).enumerate_support().tolist() == [[0, 0], [1, 1]]
    assert Categorical(tensor([[1.0, 1.0, 1.0]])).enumerate_support(expand=False).tolist() == [[0], [1], [2]]
    assert OneHotCategorical(tensor([1.0, 1.0])).enumerate_support().tolist() == [[1, 0], [0, 1]]
    with pytest.raises(NotImplementedError):
        Normal(0.0, 1.0).enumerate_support()
    with pytest.raises(NotImplementedError, match="cartesian product"):
        Independent(Bernoulli(tensor([0.1, 0.2])), 1).enumerate_support()
    assert Independent(Bernoulli(tensor([0.1])), 0).has_enumerate_support


def test_three_matrices_of_one_normal_distribution():
    factor = tensor(FACTOR)
    covariance = factor @ factor.mT
    made = [
        MultivariateNormal(tallow.zeros(2), covariance),
        MultivariateNormal(tallow.zeros(2), precision_matrix=tallow.linalg.inv(covariance)),
        MultivariateNormal(tallow.zeros(2), scale_tril=factor),
    ]
    for d in made:
        assert d.scale_tril.flatten().tolist() == pytest.approx(factor.flatten().tolist(), abs=1e-5)
        assert d.covariance_matrix.flatten().tolist() == pytest.approx([4, 1, 1, 1.25], rel=1e-4)
        assert (d.precision_matrix @ covariance).flatten().tolist() == pytest.approx([1, 0, 0, 1], abs=1e-4)
        assert d.entropy().item() == pytest.approx(1 + math.log(2 * math.pi) + 0.5 * math.log(4), rel=1e-5)
    batch = MultivariateNormal(tallow.zeros(3, 2), covariance)
    assert batch.batch_shape == (3,) and batch.log_prob(tallow.zeros(2)).shape == (3,)


def test_low_rank_normal_is_the_normal_with_that_covariance():
    factor, diagonal = tensor([[1.0, 0.5], [0.0, 2.0], [-1.0, 1.0]]), tensor([1.0, 2.0, 0.5])
    low = LowRankMultivariateNormal(tallow.ones(4, 3), factor, diagonal)
    full = MultivariateNormal(tallow.ones(4, 3), factor @ factor.mT + diagonal.diag())
    assert low.batch_shape == (4,) and low.event_shape == (3,) and low.rsample((5,)).shape == (5, 4, 3)
    x = tallow.randn(2, 4, 3)
    assert tallow.allclose(low.log_prob(x), full.log_prob(x), atol=1e-4)
    for name in ("covariance_matrix", "precision_matrix", "scale_tril", "variance", "mean", "mode"):
        assert tallow.allclose(getattr(low, name), getattr(full, name), atol=1e-4)
    assert tallow.allclose(low.entropy(), full.entropy(), atol=1e-4)
    for pair in ((low, full), (full, low), (low, low)):
        assert kl_divergence(*pair).abs().max() < 1e-4
    tallow.manual_seed(0)
    draws = LowRankMultivariateNormal(tallow.ones(3), factor, diagonal).expand((1,)).sample((40000,))[:, 0] - 1
    assert tallow.allclose(draws.mT @ draws / 40000, full.covariance_matrix[0], atol=0.1)
    with pytest.raises(ValueError, match="cov_factor must be a batch of matrices with shape 3 x m"):
        LowRankMultivariateNormal(tallow.zeros(3), tallow.zeros(2, 2), tallow.ones(3))


def test_straight_through_samples():
    d = OneHotCategoricalStraightThrough(tensor([[0.0, 1.0], [1.0, 0.0]]))
    assert d.has_rsample and d.rsample().tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (Exponential(2.0), Exponential(1.0)),
        (Laplace(0.0, 1.0), Laplace(1.0, 2.0)),
        (HalfNormal(1.0), HalfNormal(2.0)),
        (LogNormal(0.0, 1.0), LogNormal(0.5, 0.8)),
        (Poisson(2.0), Poisson(3.0)),
        (Geometric(0.5), Geometric(0.3)),
        (OneHotCategorical(tensor([1.0, 3.0])), OneHotCategorical(tensor([1.0, 1.0]))),
        (Independent(Normal(tallow.zeros(2), 1.0), 1), Independent(Normal(tallow.ones(2), 2.0), 1)),
        (MultivariateNormal(tallow.zeros(2), tallow.eye(2)), LOG_PROBABILITIES[-1][0]),
    ],
    ids=name,
)
def test_divergences_are_means_of_log_ratios(p, q):
    tallow.manual_seed(2)
    x = p.sample((60000,))
    assert kl_divergence(p, q).item() == pytest.approx((p.log_prob(x) - q.log_prob(x)).mean().item(), rel=0.05)
    assert kl_divergence(p, p).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Laplace(0.0, -1.0), "parameter scale"),
        (lambda: Exponential(-1.0), "parameter rate"),
        (lambda: Exponential(1.0).log_prob(tensor(-1.0)), "within the support"),
        (lambda: Poisson(1.0).log_prob(tensor(0.5)), "within the support"),
        (lambda: Geometric(tensor([0.0])), "to be positive"),
        (lambda: Independent(Normal(0.0, 1.0), 1), "reinterpreted_batch_ndims <= len"),
        (lambda: OneHotCategorical(tensor([0.5, 0.5])).log_prob(tensor([1.0, 1.0])), "OneHot"),
        (lambda: MultivariateNormal(tensor([0.0])), "Exactly one of covariance_matrix"),
        (lambda: MultivariateNormal(tensor(0.0), tensor([[1.0]])), "loc must be at least one-dimensional"),
        (lambda: MultivariateNormal(tensor([0.0]), tensor([1.0])), "covariance_matrix must be at least two-dim"),
        (lambda: MultivariateNormal(tallow.zeros(2), tensor([[1.0, 2.0], [2.0, 1.0]])), "PositiveDefinite"),
        (lambda: MultivariateNormal(tallow.zeros(2), scale_tril=tensor([[1.0, 2.0], [2.0, 1.0]])), "LowerCholesky"),
    ],
)
def test_messages(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_older_names():
    with pytest.warns(FutureWarning, match="sample_n"):
        assert Normal(0.0, 1.0).sample_n(3).shape == (3,)
