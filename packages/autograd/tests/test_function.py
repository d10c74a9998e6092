"""Custom functions."""

from __future__ import annotations

import gc
import weakref

import pytest

import tallow
from tallow.autograd import Function, gradcheck, gradgradcheck
from tallow.autograd.function import once_differentiable


def leaf(*values: float) -> tallow.Tensor:
    return tallow.tensor([float(v) for v in values], requires_grad=True)


class ScaledExp(Function):
    @staticmethod
    def forward(ctx, x, k):
        y = x.exp() * k
        ctx.k = k
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        return grad * y, None


class Separate(Function):
    @staticmethod
    def forward(x, y):
        return x * y

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        return grad * y if ctx.needs_input_grad[0] else None, grad * x if ctx.needs_input_grad[1] else None


def test_first_and_second_derivative() -> None:
    x = tallow.tensor([0.3, 0.5], dtype=tallow.float64, requires_grad=True)
    assert gradcheck(lambda t: ScaledExp.apply(t, 2), x)
    assert gradgradcheck(lambda t: ScaledExp.apply(t, 2), x)
    y = tallow.tensor([1.3, 1.5], dtype=tallow.float64, requires_grad=True)
    assert gradcheck(Separate.apply, (x, y)) and gradgradcheck(Separate.apply, (x, y))


def test_names_and_context() -> None:
    y = ScaledExp.apply(leaf(0), 2)
    assert type(y.grad_fn).__name__ == y.grad_fn.name() == "ScaledExpBackward"
    assert y.grad_fn.k == 2 and y.grad_fn.saved_tensors[1].tolist() == [2]


def test_saved_tensors_go_with_the_graph() -> None:
    y = ScaledExp.apply(leaf(0), 2)
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


def test_stale_saved_tensor() -> None:
    x = leaf(0) * 1
    y = ScaledExp.apply(x, 2)
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_unused_outputs_get_zeros_or_none() -> None:
    seen = []

    class Two(Function):
        @staticmethod
        def forward(ctx, x, materialize):
            ctx.set_materialize_grads(materialize)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            seen.append(b if b is None else b.tolist())
            return a * 2, None

    for materialize in (True, False):
        Two.apply(leaf(1), materialize)[0].backward()
    assert seen == [[0], None]


def test_mark_dirty() -> None:
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    x = leaf(1, 2)
    y = x * 3
    z = Double.apply(y)
    assert z is y
    (y * y).sum().backward()
    assert x.grad.tolist() == [72, 144]
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad has been used in an in-place operation"):
        Double.apply(leaf(1))


def test_mark_non_differentiable() -> None:
    class Parts(Function):
        @staticmethod
        def forward(ctx, x):
            sign = x.sign()
            ctx.mark_non_differentiable(sign)
            return x.abs(), sign

        @staticmethod
        def backward(ctx, a, s):
            return a

    a, s = Parts.apply(leaf(-1, 2))
    assert a.requires_grad and not s.requires_grad


def test_an_input_returned_as_it_is() -> None:
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 5

    x = leaf(1)
    y = Same.apply(x)
    assert y is not x
    y.backward()
    assert x.grad.tolist() == [5]


def test_a_view_of_the_input() -> None:
    class First(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.n = x.shape[0]
            return x[0:1]

        @staticmethod
        def backward(ctx, grad):
            return tallow.cat([grad * 7, tallow.zeros(ctx.n - 1)])

    x = leaf(1, 2)
    First.apply(x * 1).sum().backward()
    assert x.grad.tolist() == [7, 0]


def test_backward_may_call_backward() -> None:
    class Inner(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            z = x.detach().requires_grad_()
            with tallow.enable_grad():
                (z**3).sum().backward()
            return grad * z.grad

    x = leaf(2)
    y = Inner.apply(Inner.apply(x))
    y.backward()
    assert x.grad.item() == pytest.approx(9 * 2**8)


def test_once_differentiable() -> None:
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 2 * x

    x = leaf(3)
    (g,) = tallow.autograd.grad(Square.apply(x) ** 2, x, create_graph=True)
    assert g.tolist() == [108]
    with pytest.raises(
        RuntimeError, match="trying to differentiate twice a function that was marked with @once_differentiable"
    ):
        g.backward()


def test_wrong_backwards() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, result):
            ctx.result = result
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            return ctx.result

    x = leaf(1, 2)
    for result, error, message in [
        (None, RuntimeError, None),
        ((tallow.ones(2),), RuntimeError, "returned an incorrect number of gradients \\(expected 2, got 1\\)"),
        (
            (tallow.ones(3), None),
            RuntimeError,
            "returned an invalid gradient at index 0 - got \\[3\\] but expected shape compatible",
        ),
        ((3, None), RuntimeError, "expected Variable or None"),
        ((None, tallow.ones(2)), RuntimeError, "returned a gradient different than None at position 2"),
    ]:
        y = Wrong.apply(x, result).sum()
        if message is None:
            with pytest.raises(error):
                y.backward()
            continue
        with pytest.raises(error, match=message):
            y.backward()


def test_not_recorded_without_need() -> None:
    assert ScaledExp.apply(tallow.zeros(1), 2).grad_fn is None
    with tallow.no_grad():
        assert ScaledExp.apply(leaf(0), 2).grad_fn is None
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        ScaledExp()
    with pytest.raises(NotImplementedError, match="You must implement the forward function"):
        Function.apply(leaf(1))


def test_the_graph_is_freed() -> None:
    class Mark:
        pass

    mark = Mark()
    ref = weakref.ref(mark)
    y = ScaledExp.apply(leaf(0), 2)
    y.grad_fn.metadata  # noqa: B018
    y.register_hook(lambda g, m=mark: None)
    del mark, y
    gc.collect()
    assert ref() is None


def test_deep_chain_of_custom_functions() -> None:
    class AddOne(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x + 1

        @staticmethod
        def backward(ctx, grad):
            return grad

    x = leaf(0)
    y = x
    for _ in range(20000):
        y = AddOne.apply(y)
    y.backward()
    assert x.grad.tolist() == [1]


def test_what_was_marked_dirty_must_be_returned():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2) * 1

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    with pytest.raises(RuntimeError, match="marked as dirty during the forward method were not returned"):
        Double.apply(tallow.ones(2, requires_grad=True).clone())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_instance_cannot_be_called():
    with pytest.raises(RuntimeError, match="Legacy autograd function"):
        Function()(tallow.ones(2))
