"""With ``seed_batches`` what samples draw at random depends on nothing but the epoch and the batch."""

import itertools
import random

import pytest
from loader_children import Draws, Numbers, as_it_is

import tallow
from tallow.data import DataLoader

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


def loader(workers, **options):
    options = {"batch_size": 3, "shuffle": True, "collate_fn": as_it_is, "seed_batches": True, **options}
    return DataLoader(Draws(), num_workers=workers, **options)


def epochs(loader, count=2):
    tallow.manual_seed(5)
    return [list(loader) for _ in range(count)]


def test_any_number_of_workers_draws_the_same():
    first, second = expected = epochs(loader(0))
    assert first != second and len({sample[1:] for batch in first for sample in batch}) == 20
    assert epochs(loader(1)) == epochs(loader(3)) == expected
    assert epochs(loader(2, persistent_workers=True)) == expected
    assert epochs(loader(2, multiprocessing_context="spawn")) == expected


def test_without_it_workers_decide():
    assert epochs(loader(0, seed_batches=False)) != epochs(loader(2, seed_batches=False))


@pytest.mark.parametrize(("before", "after"), [(0, 2), (2, 0), (3, 2)])
def test_resuming_is_exact(before, after):
    (expected,) = epochs(loader(0), 1)
    tallow.manual_seed(5)
    first = loader(before)
    seen = list(itertools.islice(iter(first), 4))
    tallow.manual_seed(77)
    random.seed(77)
    second = loader(after)
    second.load_state_dict(first.state_dict())
    assert seen + list(second) == expected


def test_the_programs_generators_are_left_alone():
    random.seed(1)
    tallow.manual_seed(1)
    batches = iter(loader(0))
    expected = random.getstate(), tallow.get_rng_state().tolist()
    next(batches)
    assert (random.getstate(), tallow.get_rng_state().tolist()) == expected


def test_streams_are_refused():
    with pytest.raises(ValueError, match="seed_batches needs a dataset that is read by index"):
        DataLoader(Numbers(3), seed_batches=True)
