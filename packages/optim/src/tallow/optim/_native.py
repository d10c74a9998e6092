"""Optimizers whose step is one native op over all parameters of a group."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import tallow
from tallow import Tensor

from .optimizer import Optimizer

__all__ = ["NativeOptimizer", "averages", "counted", "decayed", "lerp_all", "new_number"]

is_sparse = operator.attrgetter("is_sparse")
State = dict[str, Any]
Group = dict[str, Any]

_NATIVE_DTYPES = {tallow.float16, tallow.bfloat16, tallow.float32, tallow.float64}
_is_contiguous = Tensor.is_contiguous


class NativeOptimizer(Optimizer):
    """The base of optimizers that update each element by a formula of it, its gradient and its state.

    A subclass says which op does a step, what state it takes, and the same step for one parameter in plain ops. Those
    serve ``differentiable=True``, devices without the native op, and ``fused=False``.
    """

    _op: ClassVar[Callable[..., Any]]
    """The native step: lists of parameters, gradients and state, then the settings by name."""

    _options: ClassVar[tuple[str, ...]]
    """The group's numbers, and tuples of numbers, that the op takes by the same names."""

    _flags: ClassVar[tuple[str, ...]] = ("maximize",)
    """Likewise what is true or false."""

    # `_numbers` is in the order of the op's last lists.

    _supports_fused: ClassVar[bool] = False
    """Whether there is an option `fused`, which lets a gradient scaler leave its work to the step."""

    _takes_sparse: ClassVar[bool] = False
    """Whether `_step_plain` also serves gradients of sparse layout."""

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        super().__init__(params, defaults)
        if self._supports_fused and defaults["fused"]:
            self._step_supports_amp_scaling = True

    # -- what a subclass defines ------------------------------------------------------------------------------

    def _tensors(self, group: Group) -> tuple[str | None, ...]:
        """Names of the state that has an element for each of the parameter's; None for what the options leave out."""
        raise NotImplementedError

    def _settings(self, group: Group) -> dict[str, Any]:
        """The op's options."""
        settings: dict[str, Any] = {}
        for name in self._options:
            value = group[name]
            settings[name] = tuple(map(float, value)) if isinstance(value, (tuple, list)) else float(value)
        for name in self._flags:
            settings[name] = bool(group[name])
        return settings

    def _start(self, group: Group, param: Tensor, state: State) -> None:
        """Fill the state of a parameter that is stepped for the first time."""
        state["step"] = new_number(0.0)
        for name in self._tensors(group):
            if name is not None:
                state[name] = tallow.zeros_like(param, requires_grad=False)

    def _step_plain(self, group: Group, param: Tensor, grad: Tensor, state: State) -> None:
        """One real parameter's step in plain ops, in which nothing that autograd saved is written over."""
        raise NotImplementedError

    # -- stepping ---------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; returns what `closure` returned."""
        loss = self._evaluate(closure)
        for group in self.param_groups:
            params, grads = self._gather(group)
            if self._takes_sparse and any(map(is_sparse, grads)):
                params, grads = self._update_sparse(group, params, grads)
            if params:
                self._update(group, params, grads)
        return loss

    def _update_sparse(
        self, group: Group, params: list[Tensor], grads: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Step the parameters whose gradients are sparse; returns the others."""
        sparse = [(p, g) for p, g in zip(params, grads, strict=True) if g.is_sparse]
        dense = [(p, g) for p, g in zip(params, grads, strict=True) if not g.is_sparse]
        rows = [p for p, _ in sparse]
        with tallow.set_grad_enabled(bool(group.get("differentiable"))):
            self._update_plain(group, rows, [g for _, g in sparse], self._states_of(group, rows))
        return [p for p, _ in dense], [g for _, g in dense]

    def _update(self, group: Group, params: list[Tensor], grads: list[Tensor]) -> None:
        states = self._states_of(group, params)
        if self._is_native(group, params, grads):
            with tallow.no_grad():
                lists = [[s[name] for s in states] if name else [] for name in self._tensors(group)]
                numbers = [[s[name] for s in states] for name in self._numbers]
                self._call(params, grads, lists, numbers, self._settings(group))
        else:
            with tallow.set_grad_enabled(bool(group.get("differentiable"))):
                self._update_plain(group, params, grads, states)

    def _states_of(self, group: Group, params: list[Tensor]) -> list[State]:
        """The state of each parameter, made if it is not there yet."""
        held = self.state
        states = [held[p] for p in params]
        if not all(states):
            for param, state in zip(params, states, strict=True):
                if not state:
                    self._start(group, param, state)
        return states

    def _is_native(self, group: Group, params: list[Tensor], grads: list[Tensor]) -> bool:
        if group.get("differentiable") or group.get("fused") is False:
            return False
        if group.get("fused"):
            for param in params:
                if not (param.is_floating_point() and param.device.type == "cpu"):
                    raise RuntimeError(
                        "`fused=True` requires all the params to be floating point Tensors of supported devices: "
                        f"['cpu'] but {param.dtype} and {param.device.type}"
                    )
        return all(p.is_cpu for p in params)

    def _call(
        self,
        params: list[Tensor],
        grads: list[Tensor],
        lists: list[list[Tensor]],
        numbers: list[list[Tensor]],
        settings: dict[str, Any],
    ) -> None:
        found_inf = getattr(self, "found_inf", None)
        grad_scale = getattr(self, "grad_scale", None)
        if found_inf is not None or grad_scale is not None:
            settings = {**settings, "found_inf": found_inf, "grad_scale": grad_scale}
        simple = all(map(_is_contiguous, params)) and all(map(_is_contiguous, grads))
        if simple and {p.dtype for p in params} <= _NATIVE_DTYPES:
            self._op(params, grads, *lists, *numbers, **settings)
            return
        self._refuse_sparse(grads)
        staged, copied = _stage([params, grads, *lists])
        self._op(*staged, *numbers, **settings)
        for original, copy in copied:
            original.copy_(copy)

    def _was_skipped(self) -> bool:
        """Whether a gradient scaler found a gradient that is not finite: then a step changes nothing."""
        found_inf = getattr(self, "found_inf", None)
        return found_inf is not None and bool(found_inf.item())

    def _update_plain(self, group: Group, params: list[Tensor], grads: list[Tensor], states: list[State]) -> None:
        if self._was_skipped():
            return
        if not self._takes_sparse:
            self._refuse_sparse(grads)
        grad_scale = getattr(self, "grad_scale", None)
        for param, grad, state in zip(params, grads, states, strict=True):
            if grad_scale is not None:
                grad.div_(grad_scale)
            if not param.is_complex():
                self._step_plain(group, param, grad, state)
                continue
            # A complex number is two real ones: squares, roots and maxima are taken of each.
            names = [name for name in self._tensors(group) if name is not None]
            parts = dict(state)
            for name in names:
                if state.get(name) is not None:
                    parts[name] = tallow.view_as_real(state[name])
            self._step_plain(group, tallow.view_as_real(param), tallow.view_as_real(grad), parts)
            for name in names:
                if parts.get(name) is not None:
                    parts[name] = tallow.view_as_complex(parts[name])
            state.update(parts)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for held in self.state.values():  # the step was a number once
            if isinstance(held, dict) and "step" in held and not isinstance(held["step"], Tensor):
                held["step"] = new_number(float(held["step"]))


def new_number(value: float) -> Tensor:
    """Per-parameter state of one number: in float64 where that is the default, else in float32."""
    dtype = tallow.float64 if tallow.get_default_dtype() is tallow.float64 else tallow.float32
    return tallow.tensor(value, dtype=dtype)


def decayed(group: Group, param: Tensor, grad: Tensor, decoupled: bool = False) -> Tensor:
    """The gradient as the formulas of plain steps take it; decoupled decay shrinks the parameter itself."""
    if group.get("maximize"):
        grad = -grad
    weight_decay = group["weight_decay"]
    if weight_decay != 0:
        if decoupled:
            param.mul_(1 - group["lr"] * weight_decay)
        else:
            grad = grad + param * weight_decay
    return grad


def counted(group: Group, state: State) -> Any:
    """The number of this step: a tensor if it is to be recorded."""
    state["step"] = step = state["step"] + 1
    return step if group["differentiable"] else step.item()


def averages(group: Group, grad: Tensor, state: State) -> tuple[Tensor, Tensor]:
    """The running means of the gradient and of its square, brought up to date."""
    beta1, beta2 = group["betas"]
    state["exp_avg"] = mean = state["exp_avg"] * beta1 + grad * (1 - beta1)
    state["exp_avg_sq"] = variance = state["exp_avg_sq"] * beta2 + grad.square() * (1 - beta2)
    return mean, variance


def lerp_all(tensors: Sequence[Tensor], towards: Sequence[Tensor], weight: float) -> None:
    """Move each tensor towards its counterpart by the part `weight` of the way, in place."""
    if all(t.is_cpu and (t.is_floating_point() or t.is_complex()) for t in tensors):
        (staged, others), copied = _stage([tensors, towards])
        tallow.ops.optim.lerp_step(staged, others, weight=weight)
        for original, copy in copied:
            original.copy_(copy)
        return
    for tensor, other in zip(tensors, towards, strict=True):
        tensor.copy_(tensor * (1 - weight) + other * weight)


def _stage(lists: Sequence[Sequence[Tensor]]) -> tuple[list[list[Tensor]], list[tuple[Tensor, Tensor]]]:
    """The lists as a native step takes them: real, without gaps, all tensors of a parameter laid out alike.

    Returns them, and the pairs (tensor, its copy) of what has to be written back. The first list holds the
    parameters, the second gradients, which are only read.
    """
    staged: list[list[Tensor]] = [[] for _ in lists]
    copied = []
    for i, param in enumerate(lists[0]):
        layout = tallow.empty_like(_real(param), requires_grad=False)  # dense, and else laid out like the parameter
        for k, tensors in enumerate(lists):
            if not tensors:
                continue
            tensor = _real(tensors[i])
            if tensor.stride() != layout.stride():
                copy = tallow.empty_like(layout).copy_(tensor)
                if k != 1:
                    copied.append((tensor, copy))
                tensor = copy
            staged[k].append(tensor)
    return staged, copied


def _real(tensor: Tensor) -> Tensor:
    return tallow.view_as_real(tensor) if tensor.is_complex() else tensor
