"""The base of every neural network module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tallow import Tensor

from ..parameter import Buffer, Parameter
from ._convert import ConvertMixin
from ._hooks import (
    GLOBAL,
    HooksMixin,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
    run_registration_hooks,
)
from ._state_dict import StateDictMixin
from ._traversal import TraversalMixin

__all__ = [
    "Module",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

Self = TypeVar("Self", bound="Module")


def _forward_unimplemented(self: Module, *args: Any, **kwargs: Any) -> Any:
    """What the module computes; every subclass defines it."""
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


class Module(HooksMixin, StateDictMixin, TraversalMixin, ConvertMixin):
    """A piece of a network: parameters, buffers and submodules, registered as they are assigned.

    Subclasses call ``super().__init__()`` first, assign what they own, and define ``forward``.

    >>> import tallow
    >>> from tallow import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self, n):
    ...         super().__init__()
    ...         self.factor = nn.Parameter(tallow.full((n,), 2.0))
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> Scale(2)(tallow.ones(2)).tolist()
    [2.0, 2.0]
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]  # type: ignore[assignment]

    forward: Callable[..., Any] = _forward_unimplemented

    def __init__(self) -> None:
        # Straight into the instance's dict: __setattr__ has nothing to look for yet.
        fields = self.__dict__
        fields["training"] = True
        fields["_parameters"] = {}
        fields["_buffers"] = {}
        fields["_non_persistent_buffers_set"] = set()
        fields["_modules"] = {}
        self._init_hooks()
        self._init_state_dict()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooked or GLOBAL.active:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    # -- registration -----------------------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Own `param` under `name`; None registers the name with no value, and it stays out of the state dict.

        Raises:
            KeyError: if the name is empty, has a dot, or is taken.
            TypeError: if `param` is no Parameter.
            ValueError: if `param` is the result of a computation.
        """
        self._check_registration("parameter", "_parameters", name)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{_typename(param)}' object to parameter '{name}' "
                    "(tallow.nn.Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in the "
                    "forward() method."
                )
            param = run_registration_hooks(GLOBAL.parameter_registration, self, name, param)
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Own `tensor` under `name` as state that is not trained; only persistent buffers are in the state dict.

        Raises:
            KeyError: if the name is empty, has a dot, or is taken.
            TypeError: if `tensor` is no Tensor.
        """
        self._check_registration("buffer", "_buffers", name)
        if tensor is not None:
            if not isinstance(tensor, Tensor):
                raise TypeError(
                    f"cannot assign '{_typename(tensor)}' object to buffer '{name}' (tallow Tensor or None required)"
                )
            tensor = run_registration_hooks(GLOBAL.buffer_registration, self, name, tensor)
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Own `module` as a child under `name`.

        Raises:
            KeyError: if the name is empty, has a dot, or is taken.
            TypeError: if `module` is no Module.
        """
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        self._check_registration("module", "_modules", name)
        if module is not None:
            module = run_registration_hooks(GLOBAL.module_registration, self, name, module)
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as :meth:`add_module`."""
        self.add_module(name, module)

    def _check_registration(self, kind: str, table: str, name: Any) -> None:
        if table not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {_typename(name)}")
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."')
        if name not in self.__dict__[table] and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    # -- attributes -------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # Reached only for what is not in the instance's dict: parameters, buffers, submodules, and mistakes.
        fields = self.__dict__
        if "_modules" in fields:
            if name in (table := fields["_parameters"]):
                return table[name]
            if name in (table := fields["_modules"]):
                return table[name]
            if name in (table := fields["_buffers"]):
                return table[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        fields = self.__dict__
        if isinstance(value, Parameter):
            if "_parameters" not in fields:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_buffers", "_modules")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if "_modules" not in fields:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, "_parameters", "_buffers")
            fields["_modules"][name] = run_registration_hooks(GLOBAL.module_registration, self, name, value)
        elif isinstance(value, Buffer):
            if "_buffers" not in fields:
                raise AttributeError("cannot assign buffer before Module.__init__() call")
            self._forget(name, "_parameters", "_modules")
            self.register_buffer(name, value, value.persistent)
        elif name in fields or "_modules" not in fields:
            object.__setattr__(self, name, value)
        elif name in fields["_parameters"]:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as parameter '{name}' (tallow.nn.Parameter or None expected)"
                )
            self.register_parameter(name, None)
        elif name in fields["_modules"]:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as child module '{name}' (tallow.nn.Module or None expected)"
                )
            fields["_modules"][name] = None
        elif name in fields["_buffers"]:
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as buffer '{name}' (tallow.Tensor or None expected)"
                )
            fields["_buffers"][name] = run_registration_hooks(GLOBAL.buffer_registration, self, name, value)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        for table in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(table, ()):
                self._forget(name, table)
                return
        object.__delattr__(self, name)

    def _forget(self, name: str, *tables: str) -> None:
        """Drop `name` from the tables and from the instance's dict: the coming registration owns it."""
        fields = self.__dict__
        fields.pop(name, None)
        for table in tables:
            fields[table].pop(name, None)
            if table == "_buffers":
                fields["_non_persistent_buffers_set"].discard(name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._modules, *self._buffers}
        return sorted(name for name in names if not name[0].isdigit())

    # -- mode -------------------------------------------------------------------------------------------------

    def train(self: Self, mode: bool = True) -> Self:
        """Set training mode for the tree: it decides what dropout and batch normalisation do."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: Self) -> Self:
        """Set evaluation mode: ``train(False)``."""
        return self.train(False)

    # -- representation and copies ----------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands in the brackets of this module's ``repr``; override to describe the module."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {_indent(repr(module))}" for name, module in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({extra})"
        body = "".join(f"\n  {line}" for line in lines + children)
        return f"{self._get_name()}({body}\n)" if body else f"{self._get_name()}()"

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A pickle of an older version may lack tables that came later.
        Module.__init__(self)
        self.__dict__.update(state)


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")


def _typename(value: Any) -> str:
    """The name of a value's type as messages give it: builtins without their module."""
    if isinstance(value, Tensor) and type(value) is Tensor:
        return "tallow.Tensor"
    cls = type(value)
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
