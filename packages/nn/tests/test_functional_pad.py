"""pad: every mode, against what it means cell by cell."""

import pytest

import tallow
import tallow.nn.functional as F

ROW = [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("pad", "mode", "expected"),
    [
        ((2, 1), "constant", [0, 0, 1, 2, 3, 4, 0]),
        ((-1, 2), "constant", [2, 3, 4, 0, 0]),
        ((2, 3), "reflect", [3, 2, 1, 2, 3, 4, 3, 2, 1]),
        ((2, 1), "replicate", [1, 1, 1, 2, 3, 4, 4]),
        ((2, 3), "circular", [3, 4, 1, 2, 3, 4, 1, 2, 3]),
        ((-1, 1), "circular", [2, 3, 4, 2]),
    ],
)
def test_last_dimension(pad, mode, expected):
    assert F.pad(tallow.tensor([ROW]), pad, mode).tolist() == [expected]


def test_two_dimensions():
    x = tallow.tensor([[[1, 2], [3, 4]]])
    assert F.pad(x, (1, 0, 0, 1), value=9).tolist() == [[[9, 1, 2], [9, 3, 4], [9, 9, 9]]]
    assert F.pad(x, (1, 1, 1, 1), "reflect").tolist() == [[[4, 3, 4, 3], [2, 1, 2, 1], [4, 3, 4, 3], [2, 1, 2, 1]]]


def test_gradient_counts_the_copies():
    x = tallow.ones(1, 3, requires_grad=True)
    F.pad(x, (2, 0), "reflect").sum().backward()
    assert x.grad.tolist() == [[1, 2, 2]]


@pytest.mark.parametrize(
    ("shape", "pad", "mode", "error"),
    [
        ((3,), (1,), "constant", RuntimeError),
        ((3,), (1, 1, 1, 1), "constant", RuntimeError),
        ((3,), (-2, -2), "constant", RuntimeError),
        ((1, 3), (3, 0), "reflect", RuntimeError),
        ((1, 3), (4, 0), "circular", RuntimeError),
        ((3,), (1, 1), "reflect", NotImplementedError),
        ((1, 3), (1, 1), "mirror", NotImplementedError),
    ],
)
def test_errors(shape, pad, mode, error):
    with pytest.raises(error):
        F.pad(tallow.ones(*shape), pad, mode)
