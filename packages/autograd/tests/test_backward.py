"""backward() and grad(): what arrives where."""

from __future__ import annotations

import pytest

import tallow
from tallow.autograd import backward, grad


def leaf(*values: float) -> tallow.Tensor:
    return tallow.tensor([float(v) for v in values], requires_grad=True)


def test_accumulates_into_leaves() -> None:
    x = leaf(1, 2)
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [4, 8]


def test_grad_stays_the_same_object_when_accumulated() -> None:
    x = leaf(1, 2)
    x.sum().backward()
    g = x.grad
    x.sum().backward()
    assert x.grad is g and g.tolist() == [2, 2]


def test_gradients_of_two_leaves_do_not_share_memory() -> None:
    a, b = leaf(1), leaf(2)
    (a + b).backward()
    a.grad.add_(1)
    assert b.grad.tolist() == [1]


def test_given_gradient_is_not_taken_over() -> None:
    x, g = leaf(1, 2), tallow.ones(2)
    x.clone().backward(g)
    x.grad.add_(1)
    assert g.tolist() == [1, 1]


def test_a_leaf_used_many_times() -> None:
    x = leaf(3)
    y = x * x * x + x
    y.backward()
    assert x.grad.tolist() == [28]


def test_broadcast_and_cast() -> None:
    x = tallow.ones(2, 1, dtype=tallow.float32, requires_grad=True)
    y = tallow.ones(3, dtype=tallow.float64)
    (x * y).sum().backward()
    assert x.grad.dtype == tallow.float32 and x.grad.tolist() == [[3], [3]]


def test_real_leaf_of_a_complex_graph() -> None:
    x = leaf(2)
    z = x * (1 + 2j)
    tallow.real(z * z.conj()).sum().backward()
    assert x.grad.dtype == tallow.float32 and x.grad.item() == pytest.approx(20)


def test_retain_graph() -> None:
    x = leaf(2)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8]
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


def test_second_backward_without_saved_tensors_is_fine() -> None:
    x = leaf(2)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2]


def test_grad_leaves_dot_grad_alone() -> None:
    x = leaf(3)
    (g,) = grad(x**3, x)
    assert g.tolist() == [27] and x.grad is None


def test_grad_of_an_intermediate_and_of_the_output_itself() -> None:
    x = leaf(3)
    y = x * 2
    z = y * y
    gy, gz = grad(z, [y, z])
    assert gy.tolist() == [12] and gz.tolist() == [1]


def test_higher_derivatives() -> None:
    x = leaf(2)
    (g1,) = grad(x**4, x, create_graph=True)
    (g2,) = grad(g1, x, create_graph=True)
    (g3,) = grad(g2, x)
    assert [g1.item(), g2.item(), g3.item()] == [32, 48, 48]


def test_backward_with_create_graph_fills_grad_with_history() -> None:
    x = leaf(2)
    (x**3).backward(create_graph=True)
    assert x.grad.requires_grad
    (g,) = grad(x.grad, x)
    assert g.item() == 12
    x.grad = None


def test_inputs() -> None:
    x, y = leaf(2), leaf(3)
    z = x * y
    backward(z, inputs=[x], retain_graph=True)
    assert x.grad.tolist() == [3] and y.grad is None
    mid = x * 2
    backward(mid * 3, inputs=mid)
    assert mid.grad.tolist() == [3] and x.grad.tolist() == [3]


def test_several_roots_one_inside_the_other() -> None:
    x = leaf(2)
    y = x * x
    z = y * 3
    backward([z, y])
    assert x.grad.tolist() == [16]
    x.grad = None
    y = x * x
    backward([y, y])
    assert x.grad.tolist() == [8]


def test_unused_inputs() -> None:
    x, y = leaf(1), leaf(1)
    z = x * 2
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph. Set allow_unused=True"):
        grad(z, [x, y], retain_graph=True)
    assert grad(z, [x, y], allow_unused=True, retain_graph=True)[1] is None
    assert grad(z, [x, y], materialize_grads=True)[1].tolist() == [0]
    with pytest.raises(ValueError, match="Expected allow_unused to be True or not passed"):
        grad(z, [x, y], allow_unused=False, materialize_grads=True)


def test_batched_gradients() -> None:
    x = leaf(1, 2)
    (g,) = grad(x * x, x, tallow.eye(2), is_grads_batched=True)
    assert g.tolist() == [[2, 0], [0, 4]]


def test_grad_modes() -> None:
    x = leaf(1)
    with tallow.no_grad():
        y = x * 2
        with tallow.enable_grad():
            z = x * 2
    assert not y.requires_grad and z.requires_grad
    with tallow.inference_mode():
        i = x * 2
    assert not i.requires_grad and i.is_inference()


def test_non_float_results_have_no_history() -> None:
    x = leaf(3, 1)
    values, indices = x.max(0)
    assert (
        values.requires_grad
        and not indices.requires_grad
        and not x.argmax().requires_grad
        and not (x > 0).requires_grad
    )


def test_detach_and_leaves() -> None:
    x = leaf(1)
    y = x * 2
    assert x.is_leaf and not y.is_leaf and y.detach().is_leaf and not y.detach().requires_grad
    y.detach_()
    assert y.is_leaf and not y.requires_grad and y.grad_fn is None


def test_retain_grad() -> None:
    x = leaf(2)
    y = x * 3
    assert not y.retains_grad
    y.retain_grad()
    y.retain_grad()
    (y * y).backward()
    assert y.retains_grad and y.grad.tolist() == [12]
    x.retain_grad()


@pytest.mark.parametrize("length", [1_000_000])
def test_a_million_nodes(length: int) -> None:
    x = leaf(1)
    y = x
    for _ in range(length):
        y = y + 1
    y.backward()
    assert x.grad.tolist() == [1]
    y = x
    for _ in range(length // 4):
        y = y * x
    del y  # nodes own tensors that own nodes: freed without recursion
    z = x
    for _ in range(length // 4):
        z = z.view(1)
    del z


def test_layout_of_grad_follows_the_leaf() -> None:
    x = tallow.ones(2, 3).t().requires_grad_()
    (x * 2).sum().backward()
    assert x.grad.stride() == x.stride()


def test_grad_assignment() -> None:
    x = leaf(1, 2)
    x.grad = tallow.ones(2)
    x.sum().backward()
    assert x.grad.tolist() == [2, 2]
    x.grad = None
    assert x.grad is None
    with pytest.raises(
        RuntimeError, match=r"attempting to assign a gradient of size '\[3\]' to a tensor of size '\[2\]'"
    ):
        x.grad = tallow.ones(3)
    with pytest.raises(TypeError, match="assigned grad expected to be a Tensor or None"):
        x.grad = 3


ERRORS = [
    (lambda x: (x * 1).backward(), "grad can be implicitly created only for scalar outputs"),
    (lambda x: tallow.ones(1).backward(), "element 0 of tensors does not require grad and does not have a grad_fn"),
    (lambda x: (x * 1).backward(tallow.ones(3)), "Mismatch in shape: grad_output"),
    (lambda x: grad(x.sum(), tallow.ones(1)), "One of the differentiated Tensors does not require grad"),
    (lambda x: backward(x.sum(), inputs=[]), "`inputs` argument to `backward\\(\\)` cannot be empty"),
    (lambda x: (x * 1).requires_grad_(False), "you can only change requires_grad flags of leaf variables"),
    (lambda x: tallow.ones(1, dtype=tallow.int32).requires_grad_(), "only Tensors of floating point"),
    (lambda x: tallow.ones(1).retain_grad(), "can't retain_grad on Tensor that has requires_grad=False"),
    (lambda x: tallow.add(x, x, out=tallow.empty(2)), "functions with out=... arguments don't support automatic"),
    (lambda x: (x * 1).view(2).detach_(), "Can't detach views in-place. Use detach\\(\\) instead"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_errors(call, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(leaf(1, 2))


def test_inference_tensors_cannot_be_saved() -> None:
    with tallow.inference_mode():
        i = tallow.ones(2)
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        x * i
    with pytest.raises(RuntimeError, match="Setting requires_grad=True on inference tensor outside InferenceMode"):
        i.requires_grad_()


def test_numbers_without_a_gradient_are_refused_as_data() -> None:
    x = tallow.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="data set to a tensor that requires gradients must be floating point"):
        x.data = tallow.ones(2, dtype=tallow.int64)
    x.data = tallow.ones(2, dtype=tallow.float64)
    assert x.dtype == tallow.float64


def test_leaf_whose_data_was_replaced() -> None:
    x = leaf(1, 2)
    x.sum().backward()
    x.grad = None
    x.data = tallow.ones(3, dtype=tallow.float64)
    (x * 2).sum().backward()
    assert x.grad.dtype == tallow.float64 and x.grad.tolist() == [2, 2, 2]


def test_windows_may_require_gradients() -> None:
    assert tallow.signal.windows.hann(3, requires_grad=True).requires_grad
    assert tallow.hann_window(3, requires_grad=True).requires_grad
