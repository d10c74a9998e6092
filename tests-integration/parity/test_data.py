"""The same datasets, samplers, collate functions and loaders on torch and on Tallow: equal batches, equal errors."""

import collections
import random

import numpy as np
import pytest

import tallow
import tallow.utils.data

torch = pytest.importorskip("torch")
pytest.importorskip("torch.utils.data")

Point = collections.namedtuple("Point", "x y")


def plain(value):
    """A batch without tensors: nested builtins, with dtypes."""
    if isinstance(value, (torch.Tensor, tallow.Tensor)):
        return str(value.dtype).split(".")[-1], value.tolist()
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(v) for v in value]
    return value


def outcome(make):
    """What `make` gives, or the type and text of what it raises."""
    try:
        return plain(make())
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0].split(":")[0]


COLLATED = {
    "ints": [1, 2],
    "floats": [0.5, 1.5],
    "bools": [True, False],
    "text": ["a", "b"],
    "bytes": [b"a", b"b"],
    "arrays": [np.arange(3, dtype="float32"), np.ones(3, "float32")],
    "numpy scalars": [np.float64(1.5), np.float64(2)],
    "tuples": [(1, "a"), (2, "b")],
    "lists": [[1, 0.5], [2, 1.5]],
    "dicts": [{"a": 1, "b": [2]}, {"a": 3, "b": [4]}],
    "named": [Point(1, 2.0), Point(3, 4.0)],
    "ragged": [[1], [1, 2]],
    "objects": [object(), object()],
    "none": [None, None],
    "text arrays": [np.array("a"), np.array("b")],
}


@pytest.mark.parametrize("name", COLLATED)
def test_collate(name):
    batch = COLLATED[name]
    for function in ("default_collate", "default_convert"):
        got = outcome(lambda function=function: getattr(tallow.utils.data, function)(batch))
        want = outcome(lambda function=function: getattr(torch.utils.data, function)(batch))
        assert str(got)[:40] == str(want)[:40] if name == "objects" else got == want


def both(program):
    return [outcome(lambda data=lib.utils.data, lib=lib: program(lib, data)) for lib in (tallow, torch)]


PROGRAMS = {
    "concat": lambda lib, d: [d.ConcatDataset([range(3), range(5, 7)])[i] for i in (0, 3, -1)],
    "concat outside": lambda lib, d: d.ConcatDataset([range(3)])[-4],
    "concat nothing": lambda lib, d: d.ConcatDataset([]),
    "stack": lambda lib, d: [d.StackDataset(range(3), range(3))[1], d.StackDataset(a=range(3))[2]],
    "stack lengths": lambda lib, d: d.StackDataset(range(3), range(2)),
    "stack nothing": lambda lib, d: d.StackDataset(),
    "subset": lambda lib, d: [d.Subset(range(10, 20), [3, 1])[1], len(d.Subset(range(3), [0]))],
    "tensors": lambda lib, d: d.TensorDataset(lib.arange(3), lib.zeros(3, 2))[1],
    "tensors lengths": lambda lib, d: d.TensorDataset(lib.arange(3), lib.zeros(2, 2)),
    "split": lambda lib, d: [len(part) for part in d.random_split(range(11), [0.5, 0.25, 0.25])],
    "split sizes": lambda lib, d: d.random_split(range(11), [5, 5]),
    "split negative": lambda lib, d: d.random_split(range(10), [1.5, -0.5]),
    "batches": lambda lib, d: list(d.BatchSampler(d.SequentialSampler(range(5)), 2, True)),
    "batches of none": lambda lib, d: d.BatchSampler(range(5), 0, True),
    "batches, drop": lambda lib, d: d.BatchSampler(range(5), 2, None),
    "random sampler": lambda lib, d: sorted(d.RandomSampler(range(5))),
    "random sampler, length": lambda lib, d: len(d.RandomSampler(range(5), num_samples=12)),
    "random sampler of nothing": lambda lib, d: d.DataLoader([], shuffle=True),
    "random sampler, no bool": lambda lib, d: d.RandomSampler(range(5), replacement=1),
    "random sampler, size": lambda lib, d: d.RandomSampler(range(5), num_samples=-1),
    "weighted": lambda lib, d: list(d.WeightedRandomSampler([0.0, 1.0], 3)),
    "weighted, size": lambda lib, d: d.WeightedRandomSampler([1.0], 0),
    "weighted, shape": lambda lib, d: d.WeightedRandomSampler([[1.0]], 1),
    "distributed": lambda lib, d: [list(d.DistributedSampler(range(7), 3, r, shuffle=False)) for r in range(3)],
    "distributed, few": lambda lib, d: [list(d.DistributedSampler(range(2), 5, r, shuffle=False)) for r in range(5)],
    "distributed, drop": lambda lib, d: list(d.DistributedSampler(range(7), 3, 2, shuffle=False, drop_last=True)),
    "distributed, rank": lambda lib, d: d.DistributedSampler(range(7), 3, 3),
    "loader": lambda lib, d: list(d.DataLoader(range(7), 3)),
    "loader, pairs": lambda lib, d: list(d.DataLoader(d.TensorDataset(lib.arange(4), lib.eye(4)), 3, drop_last=True)),
    "loader, no batches": lambda lib, d: list(d.DataLoader([np.ones(2), np.zeros(2)], batch_size=None)),
    "loader, workers": lambda lib, d: list(d.DataLoader(range(7), 3, num_workers=2)),
    "loader, sampler and shuffle": lambda lib, d: d.DataLoader(range(7), sampler=[1], shuffle=True),
    "loader, batch sampler and size": lambda lib, d: d.DataLoader(range(7), batch_sampler=[[1]], batch_size=3),
    "loader, prefetch": lambda lib, d: d.DataLoader(range(7), prefetch_factor=2),
    "loader, persistent": lambda lib, d: d.DataLoader(range(7), persistent_workers=True),
    "loader, context": lambda lib, d: d.DataLoader(range(7), multiprocessing_context="fork"),
    "loader, unknown context": lambda lib, d: d.DataLoader(range(7), num_workers=1, multiprocessing_context="x"),
    "loader, timeout": lambda lib, d: d.DataLoader(range(7), timeout=-1),
    "loader, set": lambda lib, d: setattr(d.DataLoader(range(7)), "batch_size", 3),
    "loader, length": lambda lib, d: [len(d.DataLoader(range(7), 3)), len(d.DataLoader(range(7), 3, drop_last=True))],
    "worker info": lambda lib, d: d.get_worker_info(),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    got, want = both(PROGRAMS[name])
    assert got == want


def stream(lib, d, workers, **options):
    class Numbers(d.IterableDataset):
        def __iter__(self):
            info = d.get_worker_info()
            start, step = (info.id, info.num_workers) if info else (0, 1)
            return iter(range(start, 13, step))

    return list(d.DataLoader(Numbers(), num_workers=workers, **options))


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("options", [{"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}])
def test_streams(workers, options):
    got, want = both(lambda lib, d: stream(lib, d, workers, **options))
    assert got == want


def draws(lib, d):
    class Draws(d.Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            info = d.get_worker_info()
            return i, info.id, [random.random(), float(np.random.rand())]

    loader = d.DataLoader(Draws(), batch_size=2, num_workers=2, collate_fn=list)
    batches = iter(loader)
    seed = (getattr(batches, "_epoch", None) or batches).__dict__
    return seed.get("base_seed", seed.get("_base_seed")), [sample for batch in batches for sample in batch]


def test_seeds_of_workers():
    """Other base seeds, since the generators differ; from one base seed, the same numbers."""
    for lib in (tallow, torch):
        seed, samples = draws(lib, lib.utils.data)
        for worker in range(2):
            random.seed(seed + worker)
            entropy = [worker, seed & 0xFFFFFFFF, seed >> 32, 0]
            np.random.seed(np.random.SeedSequence(entropy).generate_state(4))
            expected = [[random.random(), float(np.random.rand())] for _ in range(4)]
            found = [numbers for _, who, numbers in samples if who == worker]
            assert found == expected[: len(found)]


class Broken:
    def __len__(self):
        return 3

    def __getitem__(self, i):
        raise KeyError("here")


@pytest.mark.parametrize("workers", [0, 1])
def test_exceptions(workers):
    got, want = both(lambda lib, d: list(d.DataLoader(Broken(), num_workers=workers)))
    assert got == want
