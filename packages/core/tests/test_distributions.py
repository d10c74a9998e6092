"""Distributions: probabilities against their formulas, samples against their moments, messages."""

import math

import pytest

import tallow
from tallow import tensor
from tallow.distributions import Bernoulli, Categorical, Distribution, Normal, Uniform, kl_divergence, register_kl


def close(t, want, rel=1e-5):
    got = t.tolist()
    assert got == pytest.approx(want, rel=rel, abs=1e-6)


def test_normal():
    d = Normal(tensor([0.0, 1.0]), 2.0)
    close(d.log_prob(tensor([1.0, 1.0])), [-0.125 - math.log(2 * math.sqrt(2 * math.pi)), -1.612085713764618])
    close(d.entropy(), [0.5 * math.log(2 * math.pi * math.e * 4)] * 2)
    close(d.cdf(tensor([0.0, 3.0])), [0.5, 0.8413447])
    close(d.icdf(d.cdf(tensor([0.3, -1.0]))), [0.3, -1.0])
    assert d.batch_shape == (2,) and d.event_shape == () and d.mean.tolist() == [0, 1] and d.variance.tolist() == [4, 4]
    assert repr(d) == "Normal(loc: tallow.Size([2]), scale: tallow.Size([2]))"
    assert d.expand((3, 2)).sample().shape == (3, 2)


def test_uniform():
    d = Uniform(1.0, tensor([3.0, 5.0]))
    close(d.log_prob(tensor([1.0, 4.0])), [-math.log(2), -math.log(4)])
    close(d.entropy(), [math.log(2), math.log(4)])
    assert d.cdf(tensor([2.0, 2.0])).tolist() == [0.5, 0.25] and d.icdf(tensor([0.5, 0.5])).tolist() == [2, 3]
    assert d.mean.tolist() == [2, 3]


@pytest.mark.parametrize("given", ["probs", "logits"])
def test_bernoulli(given):
    p = [0.25, 0.5]
    d = Bernoulli(**{given: tensor(p if given == "probs" else [math.log(x / (1 - x)) for x in p])})
    close(d.log_prob(tensor([1.0, 0.0])), [math.log(0.25), math.log(0.5)])
    close(d.entropy(), [-x * math.log(x) - (1 - x) * math.log(1 - x) for x in p])
    close(d.mean, p)
    close(d.variance, [0.1875, 0.25])


@pytest.mark.parametrize("given", ["probs", "logits"])
def test_categorical(given):
    weights = tensor([[1.0, 3.0, 4.0], [1.0, 1.0, 2.0]])
    d = Categorical(**{given: weights if given == "probs" else weights.log()})
    close(d.log_prob(tensor([1, 2])), [math.log(3 / 8), math.log(1 / 2)])
    rows = ([1 / 8, 3 / 8, 1 / 2], [1 / 4, 1 / 4, 1 / 2])
    close(d.entropy(), [-sum(x * math.log(x) for x in row) for row in rows])
    assert d.mode.tolist() == [2, 2] and d.batch_shape == (2,)
    assert d.log_prob(tensor([[0, 0], [1, 1], [2, 2]])).shape == (3, 2)
    assert d.sample((4, 5)).shape == (4, 5, 2) and d.sample().dtype == tallow.int64


@pytest.mark.parametrize(
    "d",
    [Normal(tensor([0.5]), 2.0), Uniform(-1.0, tensor([2.0])), Bernoulli(tensor([0.3]))],
    ids=lambda d: type(d).__name__,
)
def test_moments_of_samples(d):
    tallow.manual_seed(0)
    x = d.sample((20000,))
    assert x.shape == (20000, 1)
    assert x.mean().item() == pytest.approx(d.mean.item(), abs=0.05)
    assert x.var().item() == pytest.approx(d.variance.item(), rel=0.05)


def test_frequencies_of_samples():
    tallow.manual_seed(0)
    counts = tallow.bincount(Categorical(tensor([1.0, 2.0, 5.0])).sample((16000,)))
    assert [n / 16000 for n in counts.tolist()] == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=0.02)


def test_divergences():
    close(kl_divergence(Normal(tensor([1.0]), 2.0), Normal(0.0, 1.0)), [0.5 * (4 + 1 - 1 - math.log(4))])
    p, q = tensor([0.25, 0.75]), tensor([0.5, 0.5])
    want = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    close(kl_divergence(Categorical(p), Categorical(q)), want)
    close(kl_divergence(Bernoulli(p[1]), Bernoulli(q[1])), want)
    close(kl_divergence(Uniform(0.0, 1.0), Uniform(0.0, 2.0)), math.log(2))
    assert kl_divergence(Uniform(0.0, 2.0), Uniform(0.0, 1.0)).item() == math.inf
    with pytest.raises(NotImplementedError, match="p type Normal and q type Bernoulli"):
        kl_divergence(Normal(0.0, 1.0), Bernoulli(0.5))


def test_formulas_can_be_registered():
    class Shifted(Normal):
        pass

    assert kl_divergence(Shifted(0.0, 1.0), Normal(0.0, 1.0)).item() == 0
    register_kl(Shifted, Shifted)(lambda p, q: tensor(7.0))
    assert kl_divergence(Shifted(0.0, 1.0), Shifted(0.0, 1.0)).item() == 7


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Normal(0.0, -1.0), r"scale .* Normal\(loc: 0.0, scale: -1.0\) .*GreaterThan\(lower_bound=0.0"),
        (lambda: Uniform(1.0, 0.0), r"parameter low .*LessThan\(upper_bound=0.0\)"),
        (lambda: Categorical(tensor([-1.0, 2.0])), r"parameter probs \(Tensor of shape \(2,\)\) .*Simplex"),
        (lambda: Categorical(tensor(1.0)), "at least one-dimensional"),
        (lambda: Categorical(tensor([0.5, 0.5])).log_prob(tensor(2)), r"support \(IntegerInterval\(.*upper_bound=1\)"),
        (lambda: Bernoulli(2.0), r"Interval\(lower_bound=0.0, upper_bound=1.0\)"),
        (lambda: Bernoulli(), "Either `probs` or `logits` must be specified"),
        (lambda: Normal(0.0, 1.0).log_prob(3), "must be a Tensor"),
        (lambda: Normal("a", 1.0), "instances of Number"),
    ],
)
def test_messages(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_checks_can_be_left_out():
    assert Normal(0.0, -1.0, validate_args=False).scale.item() == -1
    with pytest.raises(ValueError, match="expected True or False"):
        Distribution.set_default_validate_args(3)
    with pytest.raises(NotImplementedError):
        Bernoulli(0.5).rsample()
