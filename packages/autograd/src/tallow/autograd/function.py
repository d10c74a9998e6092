"""``Function``: ops with a backward written in Python."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import tallow
from tallow import Tensor
from tallow.autograd._engine import native

__all__ = ["Function", "FunctionCtx", "InplaceFunction", "NestedIOFunction", "once_differentiable"]


class FunctionCtx:
    """What ``forward`` leaves for ``backward``: saved tensors, and any attribute that is set on it."""

    def __init__(self) -> None:
        self._saved_set: Any = native.saved_new()
        self._to_save: tuple[Tensor | None, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._materialize = True
        self._recorded = False
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for backward, once per forward; a write in place to one of them before backward is found.

        Inputs and outputs must be saved this way, or they keep each other alive.
        """
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument is of type {type(t).__name__}"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Accepted for forward-mode differentiation; the tensors are kept on the context."""
        self.saved_for_forward = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What ``save_for_backward`` was given. After backward has freed the graph this raises ``RuntimeError``."""
        if not self._recorded:
            return self._to_save
        return native.saved_tensors(self._saved_set)

    def mark_dirty(self, *args: Tensor) -> None:
        """Says which inputs ``forward`` has written in place; they must be outputs as well."""
        self._dirty = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Says which outputs never require grad."""
        self._non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """With False, ``backward`` gets ``None`` instead of zeros for outputs that no gradient reached."""
        self._materialize = value


class _Backward:
    """The callable of the native node: from the gradients of the outputs to those of the tensor inputs."""

    def __init__(self, cls: type[Function], ctx: FunctionCtx, positions: list[int], count: int):
        self.ctx = ctx
        self._cls = cls
        self._positions = positions
        self._count = count

    def __call__(self, grads: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        cls = self._cls
        if cls.backward is Function.backward and cls.vjp is not Function.vjp:
            found = cls.vjp(self.ctx, *grads)
        else:
            found = cls.backward(self.ctx, *grads)
        results = found if isinstance(found, tuple) else tuple(found) if isinstance(found, list) else (found,)
        name = f"{cls.__name__}Backward"
        if len(results) > self._count and all(r is None for r in results[self._count :]):
            results = results[: self._count]
        if len(results) != self._count:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients (expected {self._count}, "
                f"got {len(results)})"
            )
        for i, r in enumerate(results):
            if r is None:
                continue
            if not isinstance(r, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(r).__name__}) from {name} for argument {i}")
            if i not in self._positions:
                raise RuntimeError(
                    f"function {name} returned a gradient different than None at position {i + 1}, "
                    "but the corresponding forward input was not a Variable"
                )
        return tuple(results[i] for i in self._positions)


class Function:
    """An op of one's own: subclass it, write ``forward`` and ``backward`` as static methods, call ``apply``.

    ``forward(ctx, *args)`` computes the outputs; or ``forward(*args)`` with ``setup_context(ctx, inputs, output)``.
    ``backward(ctx, *grad_outputs)`` returns one gradient (or ``None``) per argument of ``forward``.

    >>> import tallow
    >>> class Exp(tallow.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         y = x.exp()
    ...         ctx.save_for_backward(y)
    ...         return y
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (y,) = ctx.saved_tensors
    ...         return grad * y
    >>> x = tallow.zeros(2, requires_grad=True)
    >>> Exp.apply(x).sum().backward()
    >>> x.grad
    tensor([1., 1.])
    """

    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any):
        warnings.warn(
            f"{type(self).__name__} should not be instantiated. Methods on autograd functions are all static, so you "
            "should invoke them on the class itself.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            f"function with static forward method: {type(self).__name__}.apply(...)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the outputs."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Saves what backward needs, where ``forward`` takes no ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Computes the gradients of the arguments of ``forward``."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @staticmethod
    def vjp(ctx: Any, *grad_outputs: Any) -> Any:
        """Another name for ``backward``."""
        raise NotImplementedError("vjp is not implemented.")

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """How the function maps over a batch; not used."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap static method or set "
            "generate_vmap_rule=True."
        )

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Forward-mode derivative; not used."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Calls the function and records it."""
        ctx = FunctionCtx()
        separate = cls.setup_context is not Function.setup_context
        if kwargs:
            signature = inspect.signature(cls.forward)
            bound = signature.bind(*(args if separate else (ctx, *args)), **kwargs)
            bound.apply_defaults()
            args = bound.args if separate else bound.args[1:]
        positions = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        inputs = [args[i] for i in positions]
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        recording = tallow.is_grad_enabled() and any(ctx.needs_input_grad)
        with tallow.no_grad():
            if separate:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args)
        several = isinstance(output, (tuple, list))
        outputs = list(output) if several else [output]
        if not recording:
            # What was returned as it came in must not be the same object with the same history.
            given = {id(t) for t in inputs}
            dirty = {id(t) for t in ctx._dirty}
            outputs = [
                o.detach() if isinstance(o, Tensor) and id(o) in given and id(o) not in dirty and o.requires_grad else o
                for o in outputs
            ]
            return tuple(outputs) if several else outputs[0]
        for i, o in enumerate(outputs):
            if not isinstance(o, Tensor) and not several:
                raise TypeError(
                    f"{cls.__name__}.forward: expected to return Variables, got {type(o).__name__} at position {i}"
                )
        returned = {id(o) for o in outputs}
        if any(id(t) not in returned for t in ctx._dirty):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that "
                "are modified inplace must all be outputs of the Function."
            )
        slots = [o if isinstance(o, Tensor) else None for o in outputs]
        made = native.record_function(
            f"{cls.__name__}Backward",
            _Backward(cls, ctx, positions, len(args)),
            inputs,
            slots,
            ctx._dirty,
            ctx._non_differentiable,
            ctx._materialize,
            ctx._to_save,
            ctx._saved_set,
        )
        ctx._recorded = True
        ctx._to_save = ctx._dirty = ctx._non_differentiable = ()
        results = tuple(o if m is None else m for o, m in zip(outputs, made, strict=True))
        return results if several else results[0]


class _NotTwice(Function):
    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Any:
        return tuple(t.detach() for t in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a ``backward`` whose result cannot be differentiated again: doing so is an error, not silently wrong."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        with tallow.no_grad():
            outputs = fn(ctx, *args)
        if not tallow.is_grad_enabled() or not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            return outputs
        single = not isinstance(outputs, tuple)
        values = (outputs,) if single else outputs
        # The outputs depend on the gradients and on what was saved, in ways that are not known here.
        found = [v for v in values if isinstance(v, Tensor)]
        if not found:
            return outputs
        marked = iter(
            _NotTwice.apply(
                *[v.detach().requires_grad_() if v.is_floating_point() or v.is_complex() else v for v in found]
            )
        )
        result = tuple(next(marked) if isinstance(v, Tensor) else v for v in values)
        return result[0] if single else result

    return wrapper


class InplaceFunction(Function):
    """``Function`` under the name it has where it works in place."""


class NestedIOFunction(Function):
    """``Function`` under the name it has where it takes nested arguments; tensors must be plain arguments here."""
