"""An expanded tensor holds one element many times: writing each of them is refused, setting all of them is not."""

import pytest

import tallow

OVERLAP = "more than one element of the written-to tensor refers to a single memory location"

WRITES = {
    "add_": lambda x: x.add_(1),
    "relu_": lambda x: x.relu_(),
    "cumsum_": lambda x: x.cumsum_(0),
    "copy_": lambda x: x.copy_(tallow.arange(3.0)),
    "slice": lambda x: x.__setitem__(slice(None), tallow.arange(3.0)),
    "normal_": lambda x: x.normal_(),
    "bernoulli_": lambda x: x.bernoulli_(),
    "add.out": lambda x: tallow.add(tallow.ones(3), 1, out=x),
    "cumsum.out": lambda x: tallow.cumsum(tallow.ones(3), 0, out=x),
    "scatter_": lambda x: x.scatter_(0, tallow.tensor([0]), 1.0),
    "index_add_": lambda x: x.index_add_(0, tallow.tensor([0]), tallow.ones(1)),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_writing_shared_elements_is_refused(write):
    x = tallow.zeros(1).expand(3)
    with pytest.raises(RuntimeError, match=OVERLAP):
        write(x)
    assert x.tolist() == [0.0, 0.0, 0.0]


def test_one_value_for_all_is_not():
    x = tallow.ones(1).expand(3)
    assert x.fill_(2).tolist() == [2.0, 2.0, 2.0]
    assert x.zero_().tolist() == [0.0, 0.0, 0.0]
