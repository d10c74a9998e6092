"""The list forms of indexing where the list names no position."""

import pytest

import tallow

X = tallow.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize("indices", [[None], [None, None]])
def test_none_takes_everything(indices):
    assert tallow.equal(tallow.ops.core.index(X, indices), X)
    assert tallow.equal(tallow.index_put(X, indices, tallow.tensor(2.0)), tallow.full((2, 3), 2.0))


def test_empty_list():
    with pytest.raises(IndexError, match="at least one index must be provided"):
        tallow.ops.core.index(X, [])
    with pytest.raises(IndexError, match="at least one index must be provided"):
        tallow.index_put(X, [], tallow.tensor(2.0))


def test_a_mask_without_dimensions():
    assert X[tallow.tensor(True)].shape == (1, 2, 3)
    assert X[tallow.tensor(False)].shape == (0, 2, 3)
