"""The loader: batches, order, errors."""

import os
import subprocess
import sys

import pytest

import tallow
from tallow.data import BatchSampler, DataLoader, Dataset, IterableDataset, SequentialSampler, Subset, TensorDataset


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


def lists(loader):
    return [batch.tolist() for batch in loader]


def test_batches_of_a_list():
    assert lists(DataLoader([1, 2, 3])) == [[1], [2], [3]]
    assert lists(DataLoader([1, 2, 3], batch_size=2)) == [[1, 2], [3]]
    assert lists(DataLoader([1, 2, 3], batch_size=2, drop_last=True)) == [[1, 2]]
    assert len(DataLoader([1, 2, 3], batch_size=2)) == 2 and len(DataLoader([1, 2, 3], 2, drop_last=True)) == 1


def test_without_batching():
    assert list(DataLoader([1, 2, 3], batch_size=None)) == [1, 2, 3]
    assert [x.tolist() for x in DataLoader(Stream(2), batch_size=None, collate_fn=tallow.tensor)] == [0, 1]


def test_iterable_dataset():
    assert lists(DataLoader(Stream(5), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert lists(DataLoader(Stream(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert len(DataLoader(Stream(5), batch_size=2)) == 3 and len(DataLoader(Stream(5), batch_size=None)) == 5


def test_tensor_dataset_is_indexed_once_per_batch():
    class Counting(TensorDataset):
        samples = batches = 0

        def __getitem__(self, index):
            self.samples += 1
            return super().__getitem__(index)

        def __getitems__(self, indices):
            self.batches += 1
            return super().__getitems__(indices)

    data = Counting(tallow.arange(10).reshape(5, 2), tallow.arange(5))
    batches = list(DataLoader(data, batch_size=2))
    assert (data.samples, data.batches) == (0, 3)
    assert [(type(b), b[0].tolist(), b[1].tolist()) for b in batches[-1:]] == [(list, [[8, 9]], [4])]
    seen = []
    list(DataLoader(data, batch_size=2, collate_fn=lambda rows: seen.append([y.item() for _, y in rows])))
    assert seen == [[0, 1], [2, 3], [4]]
    part = DataLoader(Subset(data, [4, 0]), batch_size=2)
    assert next(iter(part))[1].tolist() == [4, 0]


def test_batches_do_not_share_memory_with_the_dataset():
    source = tallow.zeros(4)
    for (batch,) in DataLoader(TensorDataset(source), batch_size=2):
        batch.fill_(1)
    assert not source.any()


def test_shuffle_follows_the_seed():
    def epochs(**options):
        loader = DataLoader(range(20), batch_size=4, shuffle=True, **options)
        return [lists(loader), lists(loader)]

    tallow.manual_seed(3)
    first = epochs()
    tallow.manual_seed(3)
    assert epochs() == first and first[0] != first[1]
    own = epochs(generator=tallow.Generator().manual_seed(3))
    assert own == epochs(generator=tallow.Generator().manual_seed(3))
    assert sorted(sum(own[1], [])) == list(range(20))


def test_samplers():
    assert lists(DataLoader([5, 6, 7], sampler=[2, 0])) == [[7], [5]]
    assert lists(DataLoader([5, 6, 7], batch_sampler=[[2, 0], [1]])) == [[7, 5], [6]]
    batches = BatchSampler(SequentialSampler(range(4)), 3, False)
    assert lists(DataLoader(range(4), batch_sampler=batches)) == [[0, 1, 2], [3]]


def test_two_iterators_are_independent():
    loader = DataLoader(range(4), batch_size=2)
    a, b = iter(loader), iter(loader)
    assert next(a).tolist() == [0, 1] and next(b).tolist() == [0, 1] and next(a).tolist() == [2, 3]


def test_errors_of_the_dataset_come_through():
    class Broken(Dataset):
        def __getitem__(self, index):
            raise LookupError(f"sample {index}")

        def __len__(self):
            return 1

    with pytest.raises(LookupError, match="sample 0"):
        next(iter(DataLoader(Broken())))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_workers": -1}, "non-negative"),
        ({"timeout": -1}, "timeout option should be non-negative"),
        ({"prefetch_factor": 2}, "prefetch_factor"),
        ({"persistent_workers": True}, "persistent_workers"),
        ({"multiprocessing_context": "fork"}, "multiprocessing_context"),
        ({"sampler": [0], "shuffle": True}, "mutually exclusive with shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "mutually exclusive with batch_size"),
        ({"batch_size": None, "drop_last": True}, "mutually exclusive with drop_last"),
        ({"batch_size": 0}, "batch_size should be a positive integer"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        DataLoader([1], **options)


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}])
def test_order_of_an_iterable_dataset_is_its_own(options):
    with pytest.raises(ValueError, match="DataLoader with IterableDataset: expected unspecified"):
        DataLoader(Stream(1), **options)


def test_attributes_that_are_fixed():
    loader = DataLoader([1])
    with pytest.raises(ValueError, match="batch_size attribute should not be set after DataLoader is initialized"):
        loader.batch_size = 3
    loader.collate_fn = list


def test_torchs_name():
    from tallow.utils import data

    assert data.DataLoader is DataLoader
    from tallow.utils.data._utils.collate import default_collate_fn_map
    from tallow.utils.data.dataloader import default_collate  # noqa: F401
    from tallow.utils.data.distributed import DistributedSampler  # noqa: F401

    assert default_collate_fn_map is tallow.data.default_collate_fn_map
    program = "import tallow; assert tallow.utils.data.DataLoader is tallow.data.DataLoader"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    with pytest.raises(AttributeError, match="module 'tallow.utils' has no attribute 'nothing'"):
        _ = tallow.utils.nothing
