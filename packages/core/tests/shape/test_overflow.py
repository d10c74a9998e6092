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
    ],
)
def test_too_many_elements(make):
    with pytest.raises(RuntimeError, match="overflow"):
        make()


def test_no_elements_is_no_overflow():
    t = tallow.empty(0, HUGE, 8)
    assert t.shape == (0, HUGE, 8) and t.numel() == 0
    assert tallow.ones(1, 1, 1).expand(HUGE, 0, HUGE).numel() == 0
