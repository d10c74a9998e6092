"""The base of every optimizer."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import tallow
from tallow import Tensor
from tallow.utils.hooks import RemovableHandle, add_hook

from ._hooks import (
    GLOBAL_POST_STEP,
    GLOBAL_PRE_STEP,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from ._state_dict import StateDictMixin

__all__ = [
    "Optimizer",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
    "required",
]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()
"""The default of an option that every parameter group must give."""


class Optimizer(StateDictMixin):
    """Parameter groups, their options, and the state that an algorithm keeps per parameter.

    A subclass calls ``super().__init__(params, defaults)`` and defines ``step``.

    Args:
        params: tensors, or (name, tensor) pairs, or dicts ``{"params": ..., option: value}`` of parameter groups.
        defaults: the options of groups that do not give them.

    Raises:
        TypeError: if `params` is a tensor, or holds something that is no tensor, or is a set.
        ValueError: if there are no parameters, one is the result of a computation, or one is in two groups.

    >>> import tallow
    >>> class Descent(Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...     @tallow.no_grad()
    ...     def step(self, closure=None):
    ...         for group in self.param_groups:
    ...             for param in group["params"]:
    ...                 param -= group["lr"] * param.grad
    >>> w = tallow.zeros(1)
    >>> w.grad = tallow.ones(1)
    >>> Descent([w], lr=0.5).step()
    >>> w.item()
    -0.5
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {params.type()}"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._init_hooks()
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def _init_hooks(self) -> None:
        self._opt_called = False  # what a scheduler looks at, to warn when it is stepped first
        self._in_step = False
        self._step_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._step_post_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._state_dict_pre_hooks = OrderedDict()
        self._state_dict_post_hooks = OrderedDict()
        self._load_state_dict_pre_hooks = OrderedDict()
        self._load_state_dict_post_hooks = OrderedDict()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _with_hooks(cls.__dict__["step"])  # type: ignore[method-assign]

    # -- groups -----------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group: ``{"params": tensors, option: value}``; other options get their defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        params = [params] if isinstance(params, Tensor) else list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        if names and len(names) != len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        if names:
            params = [p[1] for p in params]
        for param in params:
            if not isinstance(param, Tensor):
                kind = tallow.typename(param)
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {kind}")
            if not (self.defaults.get("differentiable") or param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        ids = {id(p) for p in params}
        if len(ids) != len(params):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=3)
        if any(id(p) in ids for group in self.param_groups for p in group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")
        if self.param_groups and (("param_names" in param_group) != ("param_names" in self.param_groups[0])):
            raise ValueError("all optimizer param groups should be with/without names")
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters: drop them, or fill them with zeros if not `set_to_none`."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    param.grad.detach_().zero_()

    # -- stepping ---------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; `closure`, if given, evaluates the model and returns the loss."""
        raise NotImplementedError

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Run ``hook(optimizer, args, kwargs) -> None | (args, kwargs)`` before every step.

        `args` and `kwargs` are those of the function ``step``: the optimizer comes first in `args`.
        """
        return add_hook(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Run ``hook(optimizer, args, kwargs)`` after every step; `args` begin with the optimizer."""
        return add_hook(self._step_post_hooks, hook)

    def _evaluate(self, closure: Callable[[], Any] | None) -> Any:
        if closure is None:
            return None
        with tallow.enable_grad():
            return closure()

    def _gather(self, group: dict[str, Any]) -> tuple[list[Tensor], list[Tensor]]:
        """The parameters of a group that have gradients, and those gradients."""
        params = group["params"]
        grads = [grad for p in params if (grad := p.grad) is not None]
        if len(grads) != len(params):
            params = [p for p in params if p.grad is not None]
        return params, grads

    _sparse_hint: ClassVar[str] = "{} does not support sparse gradients"

    def _refuse_sparse(self, grads: Iterable[Tensor]) -> None:
        """Raise where a gradient is sparse: the formulas here need every element."""
        if any(grad.is_sparse for grad in grads):
            raise RuntimeError(self._sparse_hint.format(type(self).__name__))

    # -- copies and representation ----------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_step_pre_hooks" not in self.__dict__:
            self._init_hooks()
        for group in self.param_groups:  # options that came after the state was saved
            for name, default in self.defaults.items():
                group.setdefault(name, default)

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
        return text + ")"


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step` with the hooks around it; where it calls the step of its base class they do not run again."""

    @functools.wraps(step)
    def hooked(*args: Any, **kwargs: Any) -> Any:
        self = args[0]
        self._opt_called = True
        hooks = self._step_pre_hooks or self._step_post_hooks or GLOBAL_PRE_STEP or GLOBAL_POST_STEP
        if not hooks or self._in_step:
            return step(*args, **kwargs)
        for hook in (*GLOBAL_PRE_STEP.values(), *self._step_pre_hooks.values()):
            replaced = hook(self, args, kwargs)
            if replaced is not None:
                if not (isinstance(replaced, tuple) and len(replaced) == 2):
                    raise RuntimeError(
                        f"{hook} must return None or a tuple of (new_args, new_kwargs), but got {replaced}."
                    )
                args, kwargs = replaced
        self._in_step = True
        try:
            result = step(*args, **kwargs)
        finally:
            self._in_step = False
        for hook in (*self._step_post_hooks.values(), *GLOBAL_POST_STEP.values()):
            hook(self, args, kwargs)
        return result

    return hooked
