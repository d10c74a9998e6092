"""Stopping a loader anywhere and going on in another one: the batches are those of an uninterrupted run."""

import io

import pytest

import tallow
from tallow.data import DataLoader, IterableDataset, Sampler, TensorDataset, WeightedRandomSampler

DATA = TensorDataset(tallow.arange(23))


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(23))


class Counter(IterableDataset):
    """A stream that knows its own position."""

    def __init__(self):
        self.at = 0

    def __iter__(self):
        while self.at < 23:
            self.at += 1
            yield self.at - 1
        self.at = 0

    def state_dict(self):
        return {"at": self.at}

    def load_state_dict(self, state):
        self.at = state["at"]


class Eager(Sampler):
    """A sampler of a user's that knows nothing of resuming."""

    def __iter__(self):
        return iter(tallow.randperm(23).tolist())


LOADERS = {
    "in order": lambda: DataLoader(DATA, batch_size=4),
    "shuffled": lambda: DataLoader(DATA, batch_size=4, shuffle=True),
    "own generator": lambda: DataLoader(DATA, 4, shuffle=True, generator=tallow.Generator().manual_seed(7)),
    "weighted": lambda: DataLoader(DATA, 4, sampler=WeightedRandomSampler([1.0] * 23, 23)),
    "single samples": lambda: DataLoader(DATA, batch_size=None, shuffle=True),
    "user's sampler": lambda: DataLoader(DATA, batch_size=4, sampler=Eager()),
    "stream": lambda: DataLoader(Stream(), batch_size=4),
    "stream with a position": lambda: DataLoader(Counter(), batch_size=4),
}


def values(batch):
    if isinstance(batch, (list, tuple)):
        (batch,) = batch
    return batch.tolist()


def saved(loader):
    file = io.BytesIO()
    tallow.save(loader.state_dict(), file)
    return file.getvalue()


def epoch(loader):
    """One epoch, in which the training step draws random numbers too."""
    result = []
    for batch in loader:
        tallow.rand(3)
        result.append(values(batch))
    return result


def reference(make):
    tallow.manual_seed(11)
    loader = make()
    return [epoch(loader) for _ in range(3)]


def interrupted(make, stop):
    """The batches up to `stop` of the second epoch, the state there, and that of the default generator."""
    tallow.manual_seed(11)
    loader = make()
    seen = [epoch(loader)]
    part = []
    for batch in loader:
        tallow.rand(3)
        part.append(values(batch))
        if len(part) == stop:
            break
    return [*seen, part], saved(loader), tallow.get_rng_state()


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("stop", [1, 3, 6])
def test_resume_in_the_middle(name, stop):
    make = LOADERS[name]
    expected = reference(make)
    (first, part), state, rng = interrupted(make, stop)
    tallow.manual_seed(99)  # another process
    loader = make()
    loader.load_state_dict(tallow.load(io.BytesIO(state)))
    tallow.set_rng_state(rng)
    assert [first, part + epoch(loader), epoch(loader)] == expected


@pytest.mark.parametrize("name", LOADERS)
def test_resume_between_epochs(name):
    make = LOADERS[name]
    expected = reference(make)
    tallow.manual_seed(11)
    loader = make()
    first = epoch(loader)
    state, rng = saved(loader), tallow.get_rng_state()
    tallow.manual_seed(99)
    loader = make()
    loader.load_state_dict(tallow.load(io.BytesIO(state)))
    tallow.set_rng_state(rng)
    assert [first, epoch(loader), epoch(loader)] == expected


def test_state_of_a_loader_that_was_just_loaded():
    (_, part), state, _ = interrupted(LOADERS["shuffled"], 2)
    loader = LOADERS["shuffled"]()
    loader.load_state_dict(tallow.load(io.BytesIO(state)))
    again = LOADERS["shuffled"]()
    again.load_state_dict(loader.state_dict())
    assert epoch(again) == epoch(loader)


def test_resuming_twice():
    expected = reference(LOADERS["shuffled"])[1]
    (_, part), state, _ = interrupted(LOADERS["shuffled"], 2)
    loader = LOADERS["shuffled"]()
    loader.load_state_dict(tallow.load(io.BytesIO(state)))
    part.append(values(next(iter(loader))))
    last = LOADERS["shuffled"]()
    last.load_state_dict(loader.state_dict())
    assert part + epoch(last) == expected


def test_skipped_batches_are_not_read():
    class Watched(TensorDataset):
        read = 0

        def __getitems__(self, indices):
            self.read += 1
            return super().__getitems__(indices)

    data = Watched(tallow.arange(23))
    loader = DataLoader(data, batch_size=4)
    batches = iter(loader)
    for _ in range(4):
        next(batches)
    data.read = 0
    other = DataLoader(data, batch_size=4)
    other.load_state_dict(loader.state_dict())
    assert len(epoch(other)) == 2 == data.read


@pytest.mark.parametrize("state", [{}, {"version": 99}, 3])
def test_what_is_no_state(state):
    with pytest.raises(ValueError, match="expected a state of version 1"):
        LOADERS["in order"]().load_state_dict(state)
