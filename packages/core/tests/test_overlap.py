"""Writing into memory that is read at the same time is refused where the order of reads and writes would show."""

import pytest

import tallow
from tallow import arange, tensor

SHARED = "some elements of the input tensor and the written-to tensor refer to a single memory location"
BACK = [5, 4, 3, 2, 1, 0]

IN_PLACE = {
    "index_add_": lambda x: x.index_add_(0, tensor(BACK), x),
    "index_copy_": lambda x: x.index_copy_(0, tensor(BACK), x),
    "index_fill_": lambda x: x.index_fill_(0, x, 1),
    "index_reduce_": lambda x: x.index_reduce_(0, tensor(BACK), x, "prod"),
    "index_put_": lambda x: x.index_put_((tensor(BACK),), x),
    "setitem of indices": lambda x: x.__setitem__(tensor([1, 2, 3]), x[:3]),
    "setitem by itself": lambda x: x.__setitem__(x, 0),
    "scatter_": lambda x: x.scatter_(0, x, 1),
    "scatter_add_": lambda x: x.scatter_add_(0, tensor(BACK), x),
    "put_": lambda x: x.put_(tensor(BACK), x),
    "copy_": lambda x: x[1:].copy_(x[:-1]),
    "setitem": lambda x: x.__setitem__(slice(1, None), x[:-1]),
    "add_": lambda x: x[1:].add_(x[:-1]),
}

OUT = {
    "gather": lambda x: tallow.gather(x, 0, tensor(BACK), out=x),
    "index_select": lambda x: tallow.index_select(x, 0, tensor(BACK), out=x),
    "index_select of an index": lambda x: tallow.index_select(tensor(BACK), 0, x, out=x),
    "take": lambda x: tallow.take(x, tensor(BACK), out=x),
    "masked_select": lambda x: tallow.masked_select(x, x >= 0, out=x),
    "nonzero": lambda x: tallow.nonzero(x, out=x.view(6, 1)),
    "cat": lambda x: tallow.cat([x[:3], x[3:]], out=x),
    "stack": lambda x: tallow.stack([x[0], x[1]], out=x[:2]),
    "cumsum": lambda x: tallow.cumsum(x[1:], 0, out=x[:-1]),
    "kthvalue": lambda x: tallow.kthvalue(x, 3, out=(x[0], tensor(0))),
    "add": lambda x: tallow.add(x[1:], 1, out=x[:-1]),
    "eq": lambda x: tallow.minimum(x[1:], x[1:], out=x[:-1]),
}


@pytest.mark.parametrize("write", [*IN_PLACE.values(), *OUT.values()], ids=[*IN_PLACE, *OUT])
def test_shared_memory_is_refused(write):
    x = arange(6)
    with pytest.raises(RuntimeError, match=SHARED):
        write(x)
    assert x.tolist() == [0, 1, 2, 3, 4, 5]


def test_the_very_same_memory_is_fine_element_by_element():
    x = arange(4)
    assert tallow.add(x, x, out=x).tolist() == [0, 2, 4, 6]
    assert x.add_(x.view(4)).tolist() == [0, 4, 8, 12]
    assert tallow.cumsum(x, 0, out=x).tolist() == [0, 4, 12, 24]
    mask = tensor([True, False])
    assert mask.masked_fill_(mask, False).tolist() == [False, False]
    assert x.copy_(x).tolist() == [0, 4, 12, 24]


def test_neighbours_are_no_overlap():
    x = arange(6)
    assert x[:3].add_(x[3:]).tolist() == [3, 5, 7]
    assert tallow.gather(x[:3], 0, tensor([2, 1, 0]), out=x[3:]).tolist() == [7, 5, 3]


def test_interleaved_elements_are_no_overlap():
    x = arange(6)
    assert x[::2].add_(x[1::2]).tolist() == [1, 5, 9]
    assert x[::2].index_copy_(0, tensor([2, 1, 0]), x[1::2]).tolist() == [5, 3, 1]


def test_the_dtype_of_out():
    x = arange(3.0)
    for write in (
        lambda out: tallow.gather(x, 0, tensor([0, 1, 2]), out=out),
        lambda out: tallow.mm(x.view(3, 1), x.view(1, 3), out=out),
        lambda out: tallow.sort(x, out=(out, tensor([0]))),
    ):
        with pytest.raises(RuntimeError, match="Expected out tensor to have dtype float32, but got float64"):
            write(tallow.empty(3, dtype=tallow.float64))
    wide = tallow.empty(0, dtype=tallow.float64)
    assert tallow.cat([x, x], out=wide).dtype == tallow.float64
    assert tallow.cumsum(x, 0, out=wide).tolist() == [0, 1, 3]
    assert tallow.add(x, 1, out=wide).tolist() == [1, 2, 3]
