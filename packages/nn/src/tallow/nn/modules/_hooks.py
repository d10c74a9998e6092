"""Hooks of modules: the global tables, and the call path of a module that has any.

A module without hooks never comes here: ``Module.__call__`` goes straight to ``forward``. ``Module._hooked`` turns
true at the first registration and stays so; the tables themselves are what says whether there is work to do.
"""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from tallow import Tensor
from tallow.utils.hooks import RemovableHandle, add_hook

from ._backward_hooks import BackwardHooks

__all__ = ["HooksMixin"]

class GlobalHooks:
    """The hooks that run for every module. ``active`` is the one thing that a call without hooks looks at."""

    def __init__(self) -> None:
        self.active = False
        self.forward_pre: OrderedDict[int, Callable] = OrderedDict()
        self.forward: OrderedDict[int, Callable] = OrderedDict()
        self.forward_with_kwargs: OrderedDict[int, bool] = OrderedDict()
        self.forward_always: OrderedDict[int, bool] = OrderedDict()
        self.backward_pre: OrderedDict[int, Callable] = OrderedDict()
        self.backward: OrderedDict[int, Callable] = OrderedDict()
        self.full_backward: bool | None = None  # whether the hooks of `backward` are full ones; None before the first
        self.parameter_registration: OrderedDict[int, Callable] = OrderedDict()
        self.buffer_registration: OrderedDict[int, Callable] = OrderedDict()
        self.module_registration: OrderedDict[int, Callable] = OrderedDict()

    def add_backward(self, hook: Callable, full: bool) -> RemovableHandle:
        if self.full_backward is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks as a global Module hook. "
                "Please use only one of them."
            )
        self.full_backward = full
        return self.add(self.backward, hook)

    def idle(self) -> bool:
        """Whether no hook for calls is left."""
        return not (self.forward_pre or self.forward or self.backward_pre or self.backward)

    def add(self, table: OrderedDict[int, Callable], hook: Callable, *flags: OrderedDict[int, bool]) -> RemovableHandle:
        self.active = True
        return add_hook(table, hook, flags)


GLOBAL = GlobalHooks()


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(module, args) -> None | args`` before the forward of every module."""
    return GLOBAL.add(GLOBAL.forward_pre, hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Run ``hook(module, args, output) -> None | output`` after the forward of every module."""
    flags = [GLOBAL.forward_with_kwargs] * with_kwargs + [GLOBAL.forward_always] * always_call
    return GLOBAL.add(GLOBAL.forward, hook, *flags)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(module, grad_output) -> None | grad_output`` before the backward of every module."""
    return GLOBAL.add(GLOBAL.backward_pre, hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(module, grad_input, grad_output) -> None | grad_input`` after the backward of every module."""
    return GLOBAL.add_backward(hook, full=True)


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """The old form of :func:`register_module_full_backward_hook`, at the last operation of every module."""
    return GLOBAL.add_backward(hook, full=False)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(module, name, parameter) -> None | parameter`` whenever a parameter is registered."""
    return GLOBAL.add(GLOBAL.parameter_registration, hook)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(module, name, buffer) -> None | buffer`` whenever a buffer is registered."""
    return GLOBAL.add(GLOBAL.buffer_registration, hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(module, name, submodule) -> None | submodule`` whenever a submodule is registered."""
    return GLOBAL.add(GLOBAL.module_registration, hook)


def run_registration_hooks(table: OrderedDict[int, Callable], module: Any, name: str, value: Any) -> Any:
    """What is registered after every hook of `table` had its say."""
    for hook in table.values():
        replaced = hook(module, name, value)
        if replaced is not None:
            value = replaced
    return value


class HooksMixin:
    """The part of ``Module`` that registers hooks and runs them."""

    _hooked: bool
    _is_full_backward_hook: bool | None
    _forward_hooks: OrderedDict[int, Callable]
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _forward_pre_hooks: OrderedDict[int, Callable]
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    _backward_hooks: OrderedDict[int, Callable]
    _backward_pre_hooks: OrderedDict[int, Callable]
    forward: Callable[..., Any]

    def _init_hooks(self) -> None:
        set_in = self.__dict__
        set_in["_hooked"] = False
        set_in["_is_full_backward_hook"] = None
        for name in (
            "_forward_hooks",
            "_forward_hooks_with_kwargs",
            "_forward_hooks_always_called",
            "_forward_pre_hooks",
            "_forward_pre_hooks_with_kwargs",
            "_backward_hooks",
            "_backward_pre_hooks",
        ):
            set_in[name] = OrderedDict()

    def _add_hook(
        self,
        table: OrderedDict[int, Any],
        hook: Callable,
        prepend: bool,
        flags: Iterable[OrderedDict[int, bool]] = (),
    ) -> RemovableHandle:
        self.__dict__["_hooked"] = True
        return add_hook(table, hook, flags, prepend)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Run `hook` before ``forward``.

        ``hook(module, args) -> None | args``, and with `with_kwargs` ``hook(module, args, kwargs) -> None |
        (args, kwargs)``. What it returns replaces the arguments; a single value that is not a tuple is wrapped.
        With `prepend` it runs before the hooks that are there already.

        >>> import tallow
        >>> from tallow import nn
        >>> m = nn.Identity()
        >>> with m.register_forward_pre_hook(lambda module, args: args[0] + 1):
        ...     print(m(tallow.zeros(1)))
        tensor([1.])
        >>> m(tallow.zeros(1))
        tensor([0.])
        """
        flags = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return self._add_hook(self._forward_pre_hooks, hook, prepend, flags)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Run `hook` after ``forward``.

        ``hook(module, args, output) -> None | output``, and with `with_kwargs` ``hook(module, args, kwargs, output)``.
        With `always_call` it also runs when ``forward`` raised (its output is then None).
        """
        flags = [self._forward_hooks_with_kwargs] * with_kwargs + [self._forward_hooks_always_called] * always_call
        return self._add_hook(self._forward_hooks, hook, prepend, flags)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Run ``hook(module, grad_output) -> None | grad_output`` before the gradients of this module are computed."""
        return self._add_hook(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Run ``hook(module, grad_input, grad_output) -> None | grad_input`` once the inputs' gradients are known.

        `grad_input` and `grad_output` are tuples over the positional inputs and the outputs; an entry is None where
        the argument is no tensor or does not require gradients. Inputs of such a module must not be changed in place.
        """
        self._set_backward_kind(full=True)
        return self._add_hook(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The old form of :meth:`register_full_backward_hook`: at the module's last operation, whatever its inputs."""
        self._set_backward_kind(full=False)
        return self._add_hook(self._backward_hooks, hook, prepend=False)

    def _set_backward_kind(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. "
                "Please use only one of them."
            )
        self._is_full_backward_hook = full

    def _get_backward_hooks(self) -> tuple[list[Callable], list[Callable]]:
        """(full hooks, hooks of the old form), the global ones first."""
        full: list[Callable] = []
        old: list[Callable] = []
        if GLOBAL.backward:
            (full if GLOBAL.full_backward else old).extend(GLOBAL.backward.values())
        if self._backward_hooks:
            (full if self._is_full_backward_hook else old).extend(self._backward_hooks.values())
        return full, old

    def _get_backward_pre_hooks(self) -> list[Callable]:
        return [*GLOBAL.backward_pre.values(), *self._backward_pre_hooks.values()]

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not (self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks):
            self.__dict__["_hooked"] = False  # the last one was removed: the next call goes the short way again
            if GLOBAL.idle():
                GLOBAL.active = False
                return self.forward(*args, **kwargs)
        called: set[int] = set()
        try:
            args, kwargs = self._run_forward_pre_hooks(args, kwargs)
            backward = None
            full, old = self._get_backward_hooks()
            pre = self._get_backward_pre_hooks()
            if full or pre:
                backward = BackwardHooks(self, full, pre)
                args = backward.wrap_inputs(args)
            result = self.forward(*args, **kwargs)
            for hook_id, hook, with_kwargs, _ in self._forward_hook_rows():
                called.add(hook_id)
                replaced = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
                if replaced is not None:
                    result = replaced
            if backward is not None:
                result = backward.wrap_outputs(result)
            if old:
                _hook_last_operation(self, old, result)
            return result
        except Exception:
            for hook_id, hook, with_kwargs, always in self._forward_hook_rows():
                if always and hook_id not in called:
                    self._call_after_failure(hook, args, kwargs if with_kwargs else None)
            raise

    def _call_after_failure(self, hook: Callable, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> None:
        """Run a hook although ``forward`` failed: that failure, and not the hook's own, is what the caller gets."""
        try:
            if kwargs is None:
                hook(self, args, None)
            else:
                hook(self, args, kwargs, None)
        except Exception as error:
            warnings.warn(
                "module forward hook with ``always_call=True`` raised an exception that was silenced as another error "
                f"was raised in forward: {error}",
                stacklevel=3,
            )

    def _run_forward_pre_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple, dict]:
        for hook in list(GLOBAL.forward_pre.values()):
            replaced = hook(self, args)
            if replaced is not None:
                args = replaced if isinstance(replaced, tuple) else (replaced,)
        for hook_id, hook in list(self._forward_pre_hooks.items()):
            if hook_id in self._forward_pre_hooks_with_kwargs:
                replaced = hook(self, args, kwargs)
                if replaced is None:
                    continue
                if not (isinstance(replaced, tuple) and len(replaced) == 2):
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {replaced}."
                    )
                args, kwargs = replaced
            else:
                replaced = hook(self, args)
                if replaced is not None:
                    args = replaced if isinstance(replaced, tuple) else (replaced,)
        return args, kwargs

    def _forward_hook_rows(self) -> list[tuple[int, Callable, bool, bool]]:
        """(id, hook, with_kwargs, always_call) of every forward hook, the global ones first."""
        rows = [
            (i, hook, i in GLOBAL.forward_with_kwargs, i in GLOBAL.forward_always) for i, hook in GLOBAL.forward.items()
        ]
        kwargs_ids, always_ids = self._forward_hooks_with_kwargs, self._forward_hooks_always_called
        rows += [(i, hook, i in kwargs_ids, i in always_ids) for i, hook in self._forward_hooks.items()]
        return rows


def _hook_last_operation(module: Any, hooks: list[Callable], result: Any) -> None:
    """Run hooks of the old form when backward passes the operation that made the first tensor of `result`."""
    while not isinstance(result, Tensor):
        if isinstance(result, dict):
            result = next((v for v in result.values() if isinstance(v, Tensor)), None)
        elif isinstance(result, (tuple, list)) and result:
            result = result[0]
        else:
            return
    if result is not None and result.grad_fn is not None:
        for hook in hooks:
            result.grad_fn.register_hook(functools.partial(hook, module))
