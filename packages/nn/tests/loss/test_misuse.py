"""The backward ops called by hand: what does not fit is an error, never a read outside."""

import pytest

import tallow
import tallow.nn  # registers the ops
from tallow import ops

X, T = tallow.zeros(2, 3), tallow.tensor([0, 1])
ONE, EACH = tallow.ones(()), tallow.ones(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.nn.mse_loss_backward(EACH, X, X, 1, 0.0), r"dy has shape \[2\], expected one number"),
        (lambda: ops.nn.mse_loss_backward(EACH, X, X, 0, 0.0), r"dy has shape \[2\], expected \[2, 3\]"),
        (lambda: ops.nn.huber_loss_backward(ONE, X, X[:1], 1, 1.0), r"one shape, got \[2, 3\] and \[1, 3\]"),
        (lambda: ops.nn.nll_loss_backward(ONE, X, T, None, EACH, 1, -100), "total_weight must be one number"),
        (lambda: ops.nn.nll_loss_backward(EACH, X, T[:1], None, ONE, 0, -100), "to match target batch_size"),
        (
            lambda: ops.nn.cross_entropy_backward(EACH, X, T, None, tallow.ones(1), ONE, 0, -100, 0.0),
            r"log_sum_exp has shape \[1\]",
        ),
        (lambda: ops.nn.multilabel_margin_backward(ONE, X, X.long()), r"dy has shape \[\], expected \[2\]"),
        (
            lambda: ops.nn.ctc_loss_backward(
                tallow.ones(1), X[:, None], T[None, :1], tallow.ones(1), tallow.ones(1), [2], [1], 0, False
            ),
            "must be those of the forward",
        ),
        (lambda: ops.nn.scale_all_([X], EACH), r"factor must be one number on the CPU, got shape \[2\]"),
        (lambda: ops.nn.total_norm([X, X.double()]), r"tensors\[1\] must be of the others' dtype"),
    ],
)
def test_errors(call, message):
    with pytest.raises((RuntimeError, ValueError), match=message):
        call()
