"""Samplers."""

import pytest

import tallow
from tallow.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def test_sequential():
    sampler = SequentialSampler("abc")
    assert list(sampler) == [0, 1, 2] and len(sampler) == 3


def test_random_is_a_new_permutation_every_pass():
    sampler = RandomSampler(range(50))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(50)) and first != second
    tallow.manual_seed(0)
    assert list(sampler) == first


def test_random_with_a_generator_leaves_the_default_one_alone():
    state = tallow.get_rng_state()
    a = list(RandomSampler(range(20), generator=tallow.Generator().manual_seed(1)))
    assert a == list(RandomSampler(range(20), generator=tallow.Generator().manual_seed(1)))
    assert tallow.equal(state, tallow.get_rng_state())


def test_random_number_of_samples():
    assert len(list(RandomSampler(range(5), num_samples=12))) == 12
    assert set(list(RandomSampler(range(5), num_samples=12))[:5]) == set(range(5))
    drawn = list(RandomSampler(range(3), replacement=True, num_samples=3000))
    assert len(drawn) == 3000 and set(drawn) == {0, 1, 2}
    with pytest.raises(ValueError, match="positive integer value, but got num_samples=0"):
        RandomSampler([])


def test_subset_random():
    assert sorted(SubsetRandomSampler([5, 7, 9])) == [5, 7, 9]


def test_weighted():
    drawn = list(WeightedRandomSampler([0.0, 1.0, 3.0], 4000))
    assert 0 not in drawn and 2.5 < drawn.count(2) / drawn.count(1) < 3.6
    assert sorted(WeightedRandomSampler([1.0, 2.0, 3.0], 3, replacement=False)) == [0, 1, 2]


def test_batch():
    assert list(BatchSampler(SequentialSampler(range(7)), 3, False)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(BatchSampler(SequentialSampler(range(7)), 3, True)) == [[0, 1, 2], [3, 4, 5]]
    assert len(BatchSampler(SequentialSampler(range(7)), 3, False)) == 3
    assert len(BatchSampler(SequentialSampler(range(7)), 3, True)) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda g: RandomSampler(range(30), generator=g),
        lambda g: RandomSampler(range(30), replacement=True, generator=g),
        lambda g: SubsetRandomSampler(range(30), generator=g),
        lambda g: WeightedRandomSampler([1.0] * 30, 30, generator=g),
        lambda g: BatchSampler(RandomSampler(range(30), generator=g), 4, False),
    ],
)
@pytest.mark.parametrize("own", [False, True])
def test_a_pass_can_be_repeated(make, own):
    sampler = make(tallow.Generator().manual_seed(5) if own else None)
    indices = iter(sampler)
    state = sampler.state_dict()
    first = list(indices)
    other = make(tallow.Generator() if own else None)
    before = tallow.get_rng_state()
    other.load_state_dict(state)
    assert list(other) == first
    assert tallow.equal(before, tallow.get_rng_state())  # nothing else was drawn
    assert list(other) != first


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: RandomSampler([1], replacement=1), TypeError),
        (lambda: RandomSampler([1], num_samples=-1), ValueError),
        (lambda: WeightedRandomSampler([1.0], 0), ValueError),
        (lambda: WeightedRandomSampler([1.0], True), ValueError),
        (lambda: WeightedRandomSampler([[1.0]], 1), ValueError),
        (lambda: BatchSampler([1], 0, False), ValueError),
        (lambda: BatchSampler([1], 1, None), ValueError),
        (lambda: iter(Sampler()), NotImplementedError),
    ],
)
def test_errors(make, error):
    with pytest.raises(error):
        make()
