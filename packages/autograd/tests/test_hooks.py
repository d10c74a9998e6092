"""Hooks on tensors, on leaves after accumulation, on nodes and on what is saved."""

from __future__ import annotations

import gc
import weakref

import pytest

import tallow
from tallow.autograd import graph


def leaf(*values: float) -> tallow.Tensor:
    return tallow.tensor([float(v) for v in values], requires_grad=True)


def test_tensor_hook_sees_the_whole_gradient_and_replaces_it() -> None:
    x = leaf(1, 2)
    seen = []
    y = x * 1
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 2)
    (y * 2 + y).sum().backward()
    assert seen == [[3, 3]] and x.grad.tolist() == [6, 6]


def test_leaf_hook_runs_once_on_the_sum() -> None:
    x = leaf(1)
    seen = []
    handle = x.register_hook(lambda g: seen.append(g.item()))
    (x * 2 + x * 3).backward()
    handle.remove()
    (x * 2).backward()
    assert seen == [5]


def test_hooks_and_retained_grad_in_order() -> None:
    x = leaf(1)
    y = x * 1
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.backward()
    assert y.grad.tolist() == [10] and x.grad.tolist() == [10]


def test_post_accumulate_hook() -> None:
    x = leaf(1)
    seen = []

    def hook(p: tallow.Tensor) -> None:
        seen.append((p is x, p.grad.item()))
        p.grad = None

    x.register_post_accumulate_grad_hook(hook)
    (x * 2).backward()
    (x * 3).backward()
    assert seen == [(True, 2), (True, 3)] and x.grad is None
    with pytest.raises(RuntimeError, match="post accumulate grad hooks cannot be registered on non-leaf tensors"):
        (x * 1).register_post_accumulate_grad_hook(hook)


def test_node_hooks() -> None:
    x = leaf(3)
    y = x * 2
    seen = []
    y.grad_fn.register_prehook(lambda gs: (gs[0] * 5,))
    y.grad_fn.register_hook(lambda ins, outs: seen.append((ins[0].item(), outs[0].item())))
    y.backward()
    assert x.grad.tolist() == [10] and seen == [(10, 5)]


def test_node_hook_replaces_gradients() -> None:
    x = leaf(3)
    y = x * 2
    y.grad_fn.register_hook(lambda ins, outs: (ins[0] + 1, None))
    y.backward()
    assert x.grad.tolist() == [3]


def test_exceptions_of_hooks_pass_through() -> None:
    class Mine(Exception):
        pass

    def hook(g: tallow.Tensor) -> None:
        raise Mine("no")

    x = leaf(1)
    y = x * 1
    y.register_hook(hook)
    with pytest.raises(Mine, match="no"):
        y.backward()
    with pytest.raises(TypeError, match="hook must return"):
        z = x * 1
        z.register_hook(lambda g: 3)
        z.backward()


def test_hooks_need_a_gradient_and_a_callable() -> None:
    with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"):
        tallow.ones(1).register_hook(print)
    with pytest.raises(TypeError):
        leaf(1).register_hook(3)


def test_a_handle_keeps_nothing_alive() -> None:
    class Big:
        pass

    big = Big()
    ref = weakref.ref(big)
    y = leaf(1) * 1
    handle = y.register_hook(lambda g, b=big: None)
    del y, big
    gc.collect()
    assert ref() is None
    handle.remove()


def test_multi_grad_hook() -> None:
    x, y = leaf(1), leaf(2)
    seen = []
    handle = graph.register_multi_grad_hook(
        [x, y], lambda gs: seen.append([None if g is None else g.item() for g in gs])
    )
    (x * y).backward()
    (x * 3).backward()
    handle.remove()
    (x * y).backward()
    assert seen == [[2, 1], [3, None]]


def test_saved_tensors_hooks() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    packed = []

    def pack(t: tallow.Tensor) -> list:
        packed.append(t.tolist())
        return t.tolist()

    with graph.saved_tensors_hooks(pack, tallow.tensor):
        y = (x * w).exp()
    y.sum().backward(retain_graph=True)
    assert packed[:2] == [[3, 4], [1, 2]] or packed[:2] == [[1, 2], [3, 4]]
    e = [20.085537, 2980.958]
    assert x.grad.tolist() == pytest.approx([3 * e[0], 4 * e[1]])
    y.sum().backward()


def test_saved_tensors_hooks_keep_second_derivatives() -> None:
    x = tallow.tensor([0.5, 1.5], dtype=tallow.float64, requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        y = x.exp() * x
    (g,) = tallow.autograd.grad(y.sum(), x, create_graph=True)
    (gg,) = tallow.autograd.grad(g.sum(), x)
    assert gg.tolist() == pytest.approx(((x + 2) * x.exp()).tolist())


def test_save_on_cpu_and_disabled_hooks() -> None:
    x = leaf(2)
    with graph.save_on_cpu():
        y = x * x
    y.backward()
    assert x.grad.tolist() == [4]
    with (
        graph.disable_saved_tensors_hooks("not here"),
        pytest.raises(RuntimeError, match="not here"),
        graph.save_on_cpu(),
    ):
        pass


def test_bad_unpack_hook() -> None:
    x = leaf(2)
    with graph.saved_tensors_hooks(lambda t: 1, lambda p: p):
        y = x * x
    with pytest.raises(TypeError, match="unpack_hook expected to be a Tensor"):
        y.backward()


def test_handles_are_those_of_every_hook() -> None:
    from tallow.utils.hooks import RemovableHandle

    x = tallow.ones(1, requires_grad=True)
    with x.register_hook(lambda g: g * 2) as handle:
        x.sum().backward()
    assert isinstance(handle, RemovableHandle) and x.grad is not None and x.grad.item() == 2
    x.sum().backward()
    assert x.grad.item() == 3


def test_a_pack_hook_must_not_write():
    x = tallow.ones(2, requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t):
        with pytest.raises(RuntimeError, match="modifying its input in place"):
            x * x


def test_saved_tensors_may_be_written_where_that_is_allowed():
    x = tallow.tensor([1.0, 2.0], requires_grad=True)
    with graph.allow_mutation_on_saved_tensors() as context:
        y = x.clone()
        z = (y * y).sum()
        y.zero_()
        z.backward(retain_graph=True)
        assert x.grad.tolist() == [2.0, 4.0]
        context.clear()
        with pytest.raises(RuntimeError, match="outside of the 'allow_mutation_on_saved_tensors' context"):
            z.backward()
