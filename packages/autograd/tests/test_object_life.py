"""Tensors that a graph or a .grad holds come back to Python as the objects they were."""

import gc
import weakref

import tallow


class Weight(tallow.Tensor):
    pass


def test_attributes_of_a_gradient():
    x = tallow.ones(3, requires_grad=True)
    x.sum().backward()
    x.grad.note = "kept"
    gc.collect()
    assert x.grad.note == "kept" and x.grad is x.grad
    x.grad = None
    x.sum().backward()
    assert not hasattr(x.grad, "note")


def test_the_class_of_a_leaf_that_only_the_graph_holds():
    w = tallow.ones(3).as_subclass(Weight).requires_grad_()
    w.note = 1
    y = w * 2
    leaf = y.grad_fn.next_functions[0][0].variable
    assert leaf is w
    del w, leaf
    gc.collect()
    found = y.grad_fn.next_functions[0][0].variable
    assert type(found) is Weight and found.note == 1


def test_what_a_function_saved():
    class Times(tallow.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx, grad):
            a, b = ctx.saved_tensors
            seen.append((type(a), getattr(a, "note", None)))
            return grad * b, grad * a

    seen = []
    a = tallow.ones(3).as_subclass(Weight).requires_grad_()
    a.note = "here"
    y = Times.apply(a, tallow.ones(3))
    del a
    y.sum().backward()
    assert seen == [(Weight, "here")]


def test_it_goes_with_the_graph():
    w = tallow.ones(3).as_subclass(Weight).requires_grad_()
    gone = weakref.ref(w)
    y = (w * 2).sum()
    del w
    gc.collect()
    assert gone() is not None
    y.backward()
    assert gone().grad.tolist() == [2.0, 2.0, 2.0]
    del y
    gc.collect()
    assert gone() is None


def test_a_graph_that_another_thread_frees():
    import threading

    w = tallow.ones(3).as_subclass(Weight).requires_grad_()
    gone = weakref.ref(w)
    box = [(w * 2).sum()]
    del w
    t = threading.Thread(target=box.clear)
    t.start()
    t.join()
    assert gone() is None
