"""What Tensor gains with this package: ``grad``, ``grad_fn``, ``backward()``, hooks and the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tallow import Tensor, _core
from tallow.autograd import anomaly_mode, graph
from tallow.autograd._engine import native
from tallow.autograd._hooks import RemovableHandle, check_callable, native_handle

_backward = native.tensor_backward
_backward_many = native.backward
_set_requires_grad = native.set_requires_grad


def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Computes the gradients of the leaves of this tensor's graph and adds them to their ``.grad``.

    Args:
        gradient: the gradient of something with respect to this tensor, of its shape; may be left out where this tensor
            has one element.
        retain_graph: keep what the graph has saved, so that backward can run again; defaults to ``create_graph``.
        create_graph: record the computation of the gradients, so that they can be differentiated.
        inputs: accumulate only into these tensors.
    """
    if inputs is None and not anomaly_mode._enabled:
        if gradient is not None and not isinstance(gradient, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
        _backward(self, gradient, retain_graph, create_graph)
        return
    from tallow import autograd

    autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)


def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Sets whether gradients flow to this leaf, and returns it."""
    _set_requires_grad(self, requires_grad)
    return self


def detach_(self: Tensor) -> Tensor:
    """Takes this tensor out of its graph: it becomes a leaf that does not require grad."""
    native.detach_(self)
    return self


def retain_grad(self: Tensor) -> None:
    """Makes backward fill ``.grad`` of this tensor although it is not a leaf."""
    native.retain_grad(self)


def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Calls ``hook(grad)`` whenever the gradient of this tensor has been computed; what it returns replaces it.

    >>> import tallow
    >>> x = tallow.tensor([1.0, 2.0], requires_grad=True)
    >>> h = x.register_hook(lambda grad: grad * 2)
    >>> x.sum().backward()
    >>> x.grad
    tensor([2., 2.])
    """
    check_callable(hook)
    return native_handle(native.register_hook(self, hook))


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Calls ``hook(param)`` after the gradient has been added to ``param.grad``."""
    check_callable(hook)
    return native_handle(native.register_post_accumulate_grad_hook(self, hook))


def grad_fn(self: Tensor) -> Any:
    """The node of the graph that made this tensor; ``None`` for leaves."""
    return graph._node(native.grad_fn(self))


def install() -> None:
    methods = (backward, requires_grad_, detach_, retain_grad, register_hook, register_post_accumulate_grad_hook)
    for f in methods:
        setattr(Tensor, f.__name__, f)
    properties = {
        "grad": _core.OpProperty("autograd::grad_get", "autograd::grad_set"),
        "grad_fn": property(grad_fn),
        "is_leaf": _core.OpProperty("autograd::is_leaf"),
        "output_nr": _core.OpProperty("autograd::output_nr"),
        "retains_grad": _core.OpProperty("autograd::retains_grad"),
        "_base": _core.OpProperty("autograd::view_base"),
    }
    for name, value in properties.items():
        setattr(Tensor, name, value)
