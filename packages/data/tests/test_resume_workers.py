"""Two hundred runs that are stopped somewhere and go on with another number of workers, against uninterrupted ones."""

import io
import itertools
import random

import pytest
from loader_children import Numbers, Resumable, Slow

import tallow
from tallow.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")

DATA = TensorDataset(tallow.arange(37))


class Shuffler(Sampler):
    """A user's sampler: knows nothing of resuming, and draws when it is first asked, with Python's generator."""

    def __iter__(self):
        order = list(range(37))
        random.shuffle(order)
        yield from order


def loader(kind, workers, size, method=None):
    own = tallow.Generator().manual_seed(3)
    options = {"batch_size": size, "num_workers": workers, "multiprocessing_context": method}
    return {
        "in order": lambda: DataLoader(DATA, **options),
        "shuffled": lambda: DataLoader(DATA, shuffle=True, **options),
        "own generator": lambda: DataLoader(DATA, shuffle=True, generator=own, **options),
        "with replacement": lambda: DataLoader(DATA, sampler=RandomSampler(DATA, True, 50), **options),
        "weighted": lambda: DataLoader(DATA, sampler=WeightedRandomSampler([1.0] * 37, 30), **options),
        "subset": lambda: DataLoader(DATA, sampler=SubsetRandomSampler(range(5, 30)), **options),
        "distributed": lambda: DataLoader(DATA, sampler=DistributedSampler(DATA, 2, 1), **options),
        "user's sampler": lambda: DataLoader(DATA, sampler=Shuffler(), **options),
        "batch sampler": lambda: DataLoader(
            ConcatDataset([DATA, DATA]),
            batch_sampler=BatchSampler(SequentialSampler(range(74)), size, True),
            num_workers=workers,
            multiprocessing_context=method,
        ),
        "stream": lambda: DataLoader(Numbers(37), **options),
        "shuffled stream": lambda: DataLoader(Numbers(37, random_order=True), drop_last=True, **options),
        "stream with a position": lambda: DataLoader(Resumable(37), **options),
    }[kind]()


KINDS = [
    "in order", "shuffled", "own generator", "with replacement", "weighted", "subset", "distributed", "user's sampler",
    "batch sampler", "stream", "shuffled stream", "stream with a position",
]  # fmt: skip


def seed(number):
    random.seed(number)
    tallow.manual_seed(number)


def values(batch):
    return (batch[0] if isinstance(batch, list) else batch).tolist()


def run(loader, at_most=None):
    batches = iter(loader)
    return [values(batch) for batch in itertools.islice(batches, at_most)]


def saved_and_loaded(state):
    file = io.BytesIO()
    tallow.save(state, file)
    return tallow.load(io.BytesIO(file.getvalue()))


def resumed(kind, size, workers, stops, methods=(None,)):
    """The batches of an epoch that is interrupted after each of `stops` batches, with the next number of workers."""
    seed(9)
    found, state = [], None
    for i, (count, stop) in enumerate(zip(workers, [*stops, None], strict=True)):
        part = loader(kind, count, size, methods[i % len(methods)] if count else None)
        if state is not None:
            seed(1000 + i)  # another process
            part.load_state_dict(saved_and_loaded(state))
        found += run(part, stop)
        if stop is None:
            return found
        state = part.state_dict()
    raise AssertionError("the last part has no stop")


@pytest.mark.parametrize("number", range(200))
def test_any_interruption(number):
    """Two hundred times another sampler or stream, other workers, other places; sometimes before the first batch."""
    chance = random.Random(number)
    kind, size = KINDS[number % len(KINDS)], chance.choice([3, 4, 5])
    workers = [chance.randrange(4) for _ in range(chance.choice([2, 2, 3]))]
    while len(set(workers)) == 1:
        workers[-1] = chance.randrange(4)
    seed(9)
    expected = run(loader(kind, workers[0], size))
    stops = [chance.randint(0, max(1, (len(expected) - 1) // (len(workers) - 1))) for _ in workers[1:]]
    assert resumed(kind, size, workers, stops) == expected, (kind, size, workers, stops)


@pytest.mark.parametrize("kind", ["shuffled", "shuffled stream"])
def test_with_spawned_workers(kind):
    seed(9)
    expected = run(loader(kind, 1, 4))
    assert resumed(kind, 4, [1, 2, 0, 1], [2, 2, 2], ["fork", "spawn"]) == expected


@pytest.mark.parametrize("kind", ["shuffled", "stream", "stream with a position"])
def test_persistent_workers_go_on(kind):
    def make(workers):
        made = loader(kind, workers, 4)
        return DataLoader(made.dataset, 4, sampler=None if "stream" in kind else made.sampler, num_workers=workers,
                          persistent_workers=True)  # fmt: skip

    seed(9)
    whole = make(2)
    expected = [run(whole), run(whole)]
    seed(9)
    first = make(2)
    assert run(first) == expected[0]
    part = run(first, 3)
    other = make(3)
    other.load_state_dict(saved_and_loaded(first.state_dict()))
    assert part + run(other) == expected[1]


def test_the_seeds_of_workers_are_those_of_the_epoch():
    made = loader("in order", 2, 4)
    batches = iter(made)
    next(batches)
    other = loader("in order", 3, 4)
    other.load_state_dict(made.state_dict())
    assert iter(other)._epoch.base_seed == made._epoch.base_seed


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_that_came_as_they_were_ready(workers):
    seed(9)
    expected = run(loader("shuffled", 0, 3))
    for stop in range(1, len(expected), 3):
        seed(9)
        first = DataLoader(Slow(), 3, shuffle=True, num_workers=2, in_order=False)
        found = run(first, stop)
        other = DataLoader(Slow(), 3, shuffle=True, num_workers=workers)
        other.load_state_dict(saved_and_loaded(first.state_dict()))
        assert sorted(found + run(other)) == sorted(expected)
