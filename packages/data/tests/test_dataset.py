"""Datasets."""

import pytest

import tallow
from tallow.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Numbers(IterableDataset):
    def __init__(self, *values):
        self.values = values

    def __iter__(self):
        return iter(self.values)

    def __len__(self):
        return len(self.values)


def test_tensor_dataset():
    data = TensorDataset(tallow.arange(6).reshape(3, 2), tallow.tensor([7, 8, 9]))
    row, label = data[1]
    assert len(data) == 3 and row.tolist() == [2, 3] and label.item() == 8
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        TensorDataset(tallow.zeros(2), tallow.zeros(3))


def test_a_batch_of_a_tensor_dataset_is_a_sequence_of_samples():
    data = TensorDataset(tallow.arange(10), tallow.arange(10) * 2)
    batch = data.__getitems__([3, -1, 3])
    assert len(batch) == 3
    assert [(x.item(), y.item()) for x, y in batch] == [(3, 6), (9, 18), (3, 6)]
    assert batch[-2][0].item() == 9 and [y.item() for _, y in batch[1:]] == [18, 6]
    with pytest.raises(IndexError):
        batch[3]
    with pytest.raises(IndexError):
        data.__getitems__([10])


def test_concat():
    data = ConcatDataset([[1, 2], [3], [4, 5]])
    assert [data[i] for i in range(len(data))] == [1, 2, 3, 4, 5] and data[-1] == 5
    with pytest.raises(IndexError):
        data[5]
    with pytest.raises(ValueError, match="should not exceed dataset length"):
        data[-6]
    with pytest.raises(AssertionError, match="empty"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="does not support IterableDataset"):
        ConcatDataset([Numbers(1)])
    assert len(Subset([1], [0]) + Subset([2], [0])) == 2


def test_chain():
    chained = Numbers(1, 2) + Numbers(3)
    assert isinstance(chained, ChainDataset) and list(chained) == [1, 2, 3] and len(chained) == 3
    with pytest.raises(AssertionError, match="only supports IterableDataset"):
        list(ChainDataset([[1]]))


def test_stack():
    assert StackDataset([1, 2], "ab")[1] == (2, "b")
    data = StackDataset(x=TensorDataset(tallow.arange(3)), y=[4, 5, 6])
    assert data.__getitems__([2, 0])[0]["y"] == 6 and data.__getitems__([2, 0])[0]["x"][0].item() == 2
    for bad in (lambda: StackDataset(), lambda: StackDataset([1], x=[1]), lambda: StackDataset([1], [1, 2])):
        with pytest.raises(ValueError):
            bad()


def test_subset():
    sub = Subset(Subset(list("abcd"), [3, 1, 0]), [2, 0])
    assert len(sub) == 2 and sub[0] == "a" and sub.__getitems__([1, 0]) == ["d", "a"]
    rows = Subset(TensorDataset(tallow.arange(5)), [4, 2]).__getitems__([1, 0])
    assert [x.item() for (x,) in rows] == [2, 4]


def test_random_split():
    parts = random_split(range(10), [3, 7], generator=tallow.Generator().manual_seed(0))
    again = random_split(range(10), [3, 7], generator=tallow.Generator().manual_seed(0))
    assert sorted([*parts[0], *parts[1]]) == list(range(10))
    assert [list(p.indices) for p in parts] == [list(p.indices) for p in again]
    assert [len(p) for p in random_split(range(10), [0.25, 0.25, 0.5])] == [3, 2, 5]
    with pytest.raises(ValueError, match="Sum of input lengths"):
        random_split(range(10), [3, 3])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(range(1), [0.9, 0.1])


def test_bases_say_what_is_missing():
    with pytest.raises(NotImplementedError, match="__getitem__"):
        Dataset()[0]
    with pytest.raises(TypeError, match="abstract class IterableDataset"):
        IterableDataset()


def test_the_ends_of_joined_datasets():
    assert ConcatDataset.cumsum([[1, 2], [3]]) == [2, 3] == ConcatDataset([[1, 2], [3]]).cumulative_sizes
