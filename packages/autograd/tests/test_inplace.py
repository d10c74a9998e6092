"""Writes in place: into tensors of a graph, through views, and where they would falsify a gradient."""

from __future__ import annotations

import pytest

import tallow


def leaf(*values: float) -> tallow.Tensor:
    return tallow.tensor([float(v) for v in values], requires_grad=True)


def test_in_place_on_an_intermediate() -> None:
    x = leaf(1, 2, 3)
    y = x * 2
    y.mul_(3).add_(1)
    y.sum().backward()
    assert x.grad.tolist() == [6, 6, 6]


def test_in_place_needs_what_was_overwritten() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    y = x * 1
    y.mul_(w)
    y.sum().backward()
    assert x.grad.tolist() == [3, 4] and w.grad.tolist() == [1, 2]


def test_in_place_result_is_used_by_the_rule() -> None:
    x = leaf(0, 1)
    y = (x * 1).exp_()
    y.sum().backward()
    assert x.grad.tolist() == pytest.approx([1, 2.7182817])


def test_item_assignment_makes_a_buffer_require_grad() -> None:
    w, buf = leaf(2), tallow.zeros(3)
    buf[0] = w[0] * 3
    assert buf.requires_grad and not buf.is_leaf
    (buf * tallow.tensor([5.0, 1, 1])).sum().backward()
    assert w.grad.tolist() == [15]


def test_assignment_cuts_off_what_was_there() -> None:
    x = leaf(1, 2, 3)
    y = x * 2
    y[1] = 7.0
    y.sum().backward()
    assert x.grad.tolist() == [2, 0, 2]


def test_write_through_a_view_changes_the_base() -> None:
    x = leaf(1, 2, 3)
    y = x * 1
    v = y.view(3)[0:2]
    v.mul_(3)
    assert type(y.grad_fn).__name__ == "CopySlices"
    y.sum().backward()
    assert x.grad.tolist() == [3, 3, 1]


def test_write_to_the_base_changes_its_views() -> None:
    x = leaf(1, 2, 3)
    y = x * 1
    v = y[1:]
    y.mul_(4)
    v.sum().backward()
    assert x.grad.tolist() == [0, 4, 4]


def test_view_made_before_the_base_required_grad() -> None:
    w, buf = leaf(1, 1), tallow.zeros(3)
    v = buf[0:2]
    assert not v.requires_grad
    buf[0:2] = w
    assert v.requires_grad
    v.mul_(3)
    (buf.sum() + (v * v).sum()).backward()
    assert w.grad.tolist() == [21, 21]


def test_chain_of_writes_through_several_views() -> None:
    x = leaf(1, 2, 3, 4)
    y = x * 1
    a, b = y[:3], y[1:]
    a.mul_(2)
    b.mul_(b.detach().clone())
    a.add_(1)
    y.sum().backward()
    assert x.grad.tolist() == [2, 8, 12, 4]


def test_write_into_a_real_view_of_complex_numbers() -> None:
    x = tallow.tensor([1 + 1j, 2 + 2j], requires_grad=True)
    z = x * 1
    tallow.view_as_real(z)[:, 0].mul_(3)
    (tallow.view_as_real(z) * tallow.tensor([[1.0, 10.0], [1.0, 10.0]])).sum().backward()
    assert x.grad.tolist() == [3 + 10j, 3 + 10j]


def test_second_derivative_through_a_written_view() -> None:
    def f(x: tallow.Tensor, w: tallow.Tensor) -> tallow.Tensor:
        y = x * x
        y[0:2].mul_(w)
        y[1:].exp_()
        return y

    x = tallow.tensor([0.5, 0.7, 0.9], dtype=tallow.float64, requires_grad=True)
    w = tallow.tensor([1.5, 0.8], dtype=tallow.float64, requires_grad=True)
    assert tallow.autograd.gradcheck(f, (x, w))
    assert tallow.autograd.gradgradcheck(f, (x, w))


def test_random_numbers_cut_the_history() -> None:
    x = leaf(1, 2)
    y = x * 2
    y.normal_()
    y.sum().backward()
    assert x.grad.tolist() == [0, 0]


def test_retained_grad_follows_an_in_place_write() -> None:
    x = leaf(2)
    y = x * 1
    y.retain_grad()
    y.mul_(3)
    (y * y).backward()
    assert y.grad.tolist() == [12] and x.grad.tolist() == [36]


def test_leaves_may_not_be_written() -> None:
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used in an in-place"):
        x[0].add_(1)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
        x[0] = 1
    with tallow.no_grad():
        x.add_(1)
    assert x.tolist() == [2, 3]


def test_one_of_several_views_may_not_be_written() -> None:
    y = leaf(1, 2, 3) * 1
    with pytest.raises(
        RuntimeError, match="is a view and is being modified inplace. This view is the output of a function"
    ):
        y.unbind()[0].mul_(2)


def test_a_stale_saved_tensor_is_found() -> None:
    p = leaf(1, 2) * 1
    q = p * p
    p.add_(1)
    with pytest.raises(
        RuntimeError,
        match=r"one of the variables needed for gradient computation has been modified by an inplace operation: "
        r"\[tallow.FloatTensor \[2\]\], which is output 0 of AddBackward0, is at version 1; expected version 0 instead",
    ):
        q.sum().backward()
    e = (leaf(1, 2) * 1).exp()
    e.add_(1)
    with pytest.raises(RuntimeError, match="which is output 0 of ExpBackward0, is at version 1; expected version 0"):
        e.sum().backward()


def test_a_stale_saved_view_is_found() -> None:
    w, x = leaf(1, 2), tallow.ones(2, 2)
    y = w * x[0]
    x[1].add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_write_under_no_grad_is_not_recorded() -> None:
    x = leaf(1, 2)
    y = x + 1
    with tallow.no_grad():
        y.mul_(5)
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]
