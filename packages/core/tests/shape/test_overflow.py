"""Shapes whose number of elements no integer holds: an error that names them, never a wrapped-around size."""

import pytest

import tallow

HUGE = 2**62


@pytest.mark.parametrize(
    "make",
    [
        lambda: tallow.empty(HUGE, 8),
        lambda: tallow.empty(HUGE, 8, device="meta"),
        lambda: tallow.empty(2**33, 2**33, device="meta"),
        lambda: tallow.ones(1, 1).expand(HUGE, 8),
        lambda: tallow.ones(1).expand(2, 2**40, 2**40, 1),
        lambda: tallow.ones(1).as_strided((2**40, 2**40), (0, 0)),
        lambda: tallow.diag_embed(tallow.ones(3), 2**63 - 1),
        lambda: tallow.diag_embed(tallow.ones(3), -(2**63)),
    ],
)
def test_too_many_elements(make):
    with pytest.raises(RuntimeError, match="overflow|too large"):
        make()


def test_no_elements_is_no_overflow():
    t = tallow.empty(0, HUGE, 8)
    assert t.shape == (0, HUGE, 8) and t.numel() == 0
    assert tallow.ones(1, 1, 1).expand(HUGE, 0, HUGE).numel() == 0


def test_a_storage_offset_at_the_end_of_the_integers():
    with pytest.raises(RuntimeError, match="out of bounds for storage of size 4"):
        tallow.ones(1).as_strided((1,), (1,), 2**63 - 1)
