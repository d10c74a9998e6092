"""A 0-dim tensor may stand beside a tensor of another device, but no kernel ever sees memory that is not there."""

import pytest

import tallow

SCALARS = [tallow.ones(()), tallow.ones((), device="meta")]


@pytest.mark.parametrize("name", ["equal", "allclose"])
@pytest.mark.parametrize("order", [1, -1])
def test_ops_that_read_values_have_no_meta_kernel(name, order):
    with pytest.raises(NotImplementedError, match=f"'{name}'.*'Meta' backend"):
        getattr(tallow, name)(*SCALARS[::order])


def test_ops_with_a_shape_rule_give_meta():
    assert tallow.add(*SCALARS).device.type == "meta"
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        tallow.add(tallow.ones(3), SCALARS[1])
