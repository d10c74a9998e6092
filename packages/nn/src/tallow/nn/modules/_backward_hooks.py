"""Full backward hooks: two identity nodes, one around a module's inputs and one around its outputs.

The node at the outputs is where backward enters the module (grad_output), the node at the inputs is where it leaves
(grad_input). Hooks run in the backward of those nodes, so they see and may replace exactly what crosses the boundary.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import tallow
from tallow import Tensor
from tallow.autograd import Function

Grads = tuple[Any, ...]


class _Boundary(Function):
    """Identity on its tensors; calls back with the gradients that pass through."""

    @staticmethod
    def forward(ctx: Any, on_backward: Callable[[Grads], Grads], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.on_backward = on_backward
        ctx.set_materialize_grads(False)
        return tuple(t.view_as(t) for t in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        return (None, *ctx.on_backward(grads))


class BackwardHooks:
    """The backward hooks of one call of one module."""

    def __init__(self, module: Any, hooks: list[Callable], pre_hooks: list[Callable]) -> None:
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self.input_count = 0
        self.output_count = 0
        self.inputs_wrapped = False
        self.grad_output: Grads | None = None

    def wrap_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.input_count = len(args)
        positions = _differentiable(args)
        self.inputs_wrapped = bool(positions)
        return self._wrap(args, positions, self._leave)

    def wrap_outputs(self, result: Any) -> Any:
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(result)}",
                stacklevel=4,
            )
        outputs = result if isinstance(result, tuple) else (result,)
        self.output_count = len(outputs)
        wrapped = self._wrap(outputs, _differentiable(outputs), self._enter)
        if not isinstance(result, tuple):
            return wrapped[0]
        return type(result)(*wrapped) if hasattr(result, "_fields") else wrapped

    def _wrap(self, values: tuple[Any, ...], positions: list[int], on_backward: Callable) -> tuple[Any, ...]:
        if not positions:
            return values
        replaced = list(values)
        tensors = _Boundary.apply(lambda grads: on_backward(positions, grads), *(values[i] for i in positions))
        for i, tensor in zip(positions, tensors, strict=True):
            replaced[i] = tensor
        return tuple(replaced)

    def _enter(self, positions: list[int], grads: Grads) -> Grads:
        grad_output = _spread(grads, positions, self.output_count)
        for hook in self.pre_hooks:
            replaced = hook(self.module, grad_output)
            if replaced is not None:
                grad_output = _as_grads(replaced, len(grad_output), "pre hook", "grad_output")
        self.grad_output = grad_output
        if not self.inputs_wrapped:  # backward ends inside the module: there is no other place to run the hooks
            if self.hooks:
                warnings.warn(
                    "Full backward hook is firing when gradients are computed with respect to module outputs since no "
                    "inputs require gradients.",
                    stacklevel=2,
                )
            nothing: Grads = (None,) * self.input_count
            for hook in self.hooks:
                replaced = hook(self.module, nothing, grad_output)
                if replaced is not None and not (
                    isinstance(replaced, tuple) and all(grad is None for grad in replaced)
                ):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always return None or "
                        "None for all gradients."
                    )
        return tuple(grad_output[i] for i in positions)

    def _leave(self, positions: list[int], grads: Grads) -> Grads:
        if self.grad_output is None:  # no gradient came through the outputs, as where they are in a dict
            return grads
        grad_input = _spread(grads, positions, self.input_count)
        for hook in self.hooks:
            replaced = hook(self.module, grad_input, self.grad_output)
            if replaced is not None:
                grad_input = _as_grads(replaced, len(grad_input), "hook", "grad_input")
        return tuple(grad_input[i] for i in positions)


def _differentiable(values: tuple[Any, ...]) -> list[int]:
    if not tallow.is_grad_enabled():
        return []
    return [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]


def _spread(grads: Grads, positions: list[int], count: int) -> Grads:
    full: list[Any] = [None] * count
    for i, grad in zip(positions, grads, strict=True):
        full[i] = grad
    return tuple(full)


def _as_grads(replaced: Any, count: int, kind: str, what: str) -> Grads:
    if not isinstance(replaced, tuple):
        replaced = (replaced,)
    if len(replaced) != count:
        raise RuntimeError(
            f"Backward {kind} returned an invalid number of {what}, got {len(replaced)}, but expected {count}"
        )
    return replaced
