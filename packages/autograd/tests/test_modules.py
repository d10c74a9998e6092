"""functional, graph drawing, checkpoint, anomaly mode."""

from __future__ import annotations

import warnings
import xml.etree.ElementTree as ElementTree

import pytest

import tallow
from tallow.autograd import functional as F
from tallow.autograd import graph
from tallow.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


def leaf(*values: float) -> tallow.Tensor:
    return tallow.tensor([float(v) for v in values], requires_grad=True)


# ---------------------------------------------------------------- functional
def test_jacobian_and_hessian() -> None:
    x, y = tallow.tensor([1.0, 2.0]), tallow.tensor([3.0])
    assert F.jacobian(lambda t: t * t, x).tolist() == [[2, 0], [0, 4]]
    jx, jy = F.jacobian(lambda a, b: a * b, (x, y))
    assert jx.tolist() == [[3, 0], [0, 3]] and jy.tolist() == [[1], [2]]
    (a,), (b,) = F.jacobian(lambda t: (t.sum(), t * 2), (x,))
    assert a.tolist() == [1, 1] and b.tolist() == [[2, 0], [0, 2]]
    assert F.hessian(lambda t: (t**3).sum(), x).tolist() == [[6, 0], [0, 12]]
    h = F.hessian(lambda a, b: (a * a * b).sum(), (x, y))
    assert h[0][0].tolist() == [[6, 0], [0, 6]] and h[0][1].tolist() == [[2], [4]] and h[1][1].tolist() == [[0]]


def test_products_with_vectors() -> None:
    x, v = tallow.tensor([1.0, 2.0]), tallow.tensor([1.0, 10.0])
    out, product = F.vjp(lambda t: t * t, x, v)
    assert out.tolist() == [1, 4] and product.tolist() == [2, 40]
    assert F.jvp(lambda t: t * t, x, v)[1].tolist() == [2, 40]
    assert F.vhp(lambda t: (t**3).sum(), x, v)[1].tolist() == [6, 120]
    assert F.hvp(lambda t: (t**3).sum(), x, v)[1].tolist() == [6, 120]
    with pytest.raises(RuntimeError, match="v has invalid size: should be"):
        F.vjp(lambda t: t * t, x, tallow.ones(3))
    with pytest.raises(RuntimeError, match="independent of input 0"):
        F.jacobian(lambda a, b: b * 1, (x, x), strict=True)
    assert F.jacobian(lambda t: tallow.ones(2), x).tolist() == [[0, 0], [0, 0]]


def test_functional_with_graph() -> None:
    x = tallow.tensor([1.0, 2.0], requires_grad=True)
    j = F.jacobian(lambda t: t**3, x, create_graph=True)
    j.sum().backward()
    assert x.grad.tolist() == [6, 12]
    assert not F.jacobian(lambda t: t**3, x).requires_grad


# ---------------------------------------------------------------- graph
def test_nodes() -> None:
    x = leaf(1, 2)
    y = (x * 2 + 1).sum()
    fn = y.grad_fn
    assert fn is y.grad_fn and fn.name() == type(fn).__name__ == "SumBackward0"
    add, number = fn.next_functions[0]
    assert add.name() == "AddBackward0" and number == 0
    mul = add.next_functions[0][0]
    assert mul.next_functions[1][0] is None or mul.next_functions[1] == (None, 0)
    accumulate = mul.next_functions[0][0]
    assert accumulate.variable is x and graph.get_gradient_edge(x).node == accumulate
    assert mul._saved_other is not None if hasattr(mul, "_saved_other") else True
    assert "grad_fn=<MulBackward0>" in repr(x * 2)


def test_draw() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    h = x * w
    y = (h + h.exp()).sum()
    picture = graph.draw(y, {"x": x, "w": w})
    root = ElementTree.fromstring(str(picture))
    labels = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"x", "w", "SumBackward0", "ExpBackward0", "output"} <= set(labels)
    assert labels.count("MulBackward0") == 1
    lines = picture.text.splitlines()
    assert (
        lines[0] == "output []"
        and "(see above)" in picture.text
        and lines[-1].strip().startswith(("MulBackward0", "w"))
    )
    assert "<svg" in picture.html() and picture._repr_svg_() == str(picture)
    deep = x
    for _ in range(50):
        deep = deep * 2
    assert "..." in graph.draw_text(deep, max_nodes=10)
    with pytest.raises(RuntimeError, match="does not require grad"):
        graph.draw(tallow.ones(1))


# ---------------------------------------------------------------- checkpoint
@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoint(reentrant: bool) -> None:
    calls = []

    def part(a: tallow.Tensor, b: tallow.Tensor) -> tallow.Tensor:
        calls.append(1)
        return (a * b).exp() * a

    x, w = leaf(0.5, 1), leaf(2, 1)
    checkpoint(part, x, w, use_reentrant=reentrant).sum().backward()
    gx, gw = x.grad, w.grad
    x.grad = w.grad = None
    assert len(calls) == 2
    part(x, w).sum().backward()
    assert gx.tolist() == x.grad.tolist() and gw.tolist() == w.grad.tolist()


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoint_repeats_random_numbers(reentrant: bool) -> None:
    x = tallow.ones(100, requires_grad=True)

    def part(t: tallow.Tensor) -> tallow.Tensor:
        return t * tallow.rand(100)

    y = checkpoint(part, x, use_reentrant=reentrant)
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoint_sequential(reentrant: bool) -> None:
    x = leaf(1)
    steps = [lambda t: t * 2, lambda t: t.exp(), lambda t: t * t, lambda t: t + 1]
    y = checkpoint_sequential(steps, 2, x * 1, use_reentrant=reentrant)
    y.backward()
    assert x.grad.item() == pytest.approx(4 * 2.718281828**4, rel=1e-5)
    with pytest.raises(ValueError, match="segments"):
        checkpoint_sequential(steps, 9, x)


def test_nested_checkpoint_and_twice() -> None:
    x = leaf(0.5)

    def inner(t: tallow.Tensor) -> tallow.Tensor:
        return (t * t).exp()

    def outer(t: tallow.Tensor) -> tallow.Tensor:
        return checkpoint(inner, t * 2, use_reentrant=False) * t

    y = checkpoint(outer, x, use_reentrant=False)
    y.backward(retain_graph=True)
    first = x.grad.item()
    y.backward()
    assert x.grad.item() == pytest.approx(2 * first)
    z = leaf(0.5)
    outer(z).backward()
    assert z.grad.item() == pytest.approx(first)


def test_checkpoint_finds_another_recomputation() -> None:
    turn = []

    def part(t: tallow.Tensor) -> tallow.Tensor:
        turn.append(1)
        return t * t if len(turn) == 1 else t.exp()

    y = checkpoint(part, leaf(1), use_reentrant=False)
    with pytest.raises(CheckpointError, match="A different number of tensors was saved"):
        y.backward()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="use_reentrant parameter should be passed explicitly"):
            checkpoint(part, leaf(1))


# ---------------------------------------------------------------- anomaly mode
def test_anomaly_mode_names_the_forward_call() -> None:
    def my_forward(t: tallow.Tensor) -> tallow.Tensor:
        return t.sqrt()

    x = leaf(-1)
    with pytest.warns(UserWarning, match="Error detected in SqrtBackward0"), tallow.autograd.detect_anomaly():
        with pytest.raises(
            RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output"
        ) as info:
            my_forward(x).backward()
    assert "my_forward" in str(info.value)
    my_forward(x).backward()  # off again


def test_anomaly_mode_keeps_host_errors() -> None:
    class Fails(tallow.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            raise KeyError("mine")

    with tallow.autograd.set_detect_anomaly(True, check_nan=False):
        y = Fails.apply(leaf(1))
        with pytest.warns(UserWarning, match="Error detected in FailsBackward"), pytest.raises(KeyError, match="mine"):
            y.backward()
    assert not tallow.autograd.anomaly_mode.is_anomaly_enabled()
