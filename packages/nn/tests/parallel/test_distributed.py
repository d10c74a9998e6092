"""``DistributedDataParallel`` can be named without tallow-distributed, not made."""

import pytest

from tallow import nn


def test_is_named_and_says_what_to_install():
    assert not isinstance(nn.Linear(1, 1), nn.parallel.DistributedDataParallel)
    with pytest.raises(RuntimeError, match="pip install tallow-distributed"):
        nn.parallel.DistributedDataParallel(nn.Linear(1, 1))
