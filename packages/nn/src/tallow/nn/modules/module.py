"""The base of every neural network module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import tallow
from tallow import Tensor

from ..parameter import Buffer, Parameter
from ._convert import ConvertMixin
from ._hooks import (
    GLOBAL,
    HooksMixin,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
    run_registration_hooks,
)
from ._members import TABLES, fill, without_members
from ._state_dict import StateDictMixin
from ._traversal import TraversalMixin

__all__ = [
    "Module",
    "register_module_backward_hook",
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

    #: Whether ``__init__`` passes its arguments on to the class after Module in the order of resolution.
    call_super_init: bool = False
    dump_patches: bool = False
    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]  # type: ignore[assignment]

    forward: Callable[..., Any] = _forward_unimplemented

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init and (args or kwargs):
            given = (
                f"got an unexpected keyword argument '{next(iter(kwargs))}'"
                if kwargs
                else (f"takes 1 positional argument but {len(args) + 1} were given")
            )
            raise TypeError(f"{type(self).__name__}.__init__() {given}")
        # Straight into the instance's dict: __setattr__ has nothing to look for yet.
        fields = self.__dict__
        fields["training"] = True
        fields["_non_persistent_buffers_set"] = set()
        for table in TABLES:
            fill(self, table, {})
        self._init_hooks()
        self._init_state_dict()
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooked or GLOBAL.active:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    # The names under which wrappers that replace ``__call__`` reach it.
    _call_impl = __call__
    _wrapped_call_impl = __call__

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile ``forward``; the arguments are those of ``tallow.compile``.

        Without a compiler the module runs as it is.
        """
        compiled = tallow.compile(self.forward, *args, **kwargs)
        if compiled != self.forward:
            self.forward = compiled

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
                    f"cannot assign '{tallow.typename(param)}' object to parameter '{name}' "
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
                    f"cannot assign '{tallow.typename(tensor)}' object to buffer '{name}' "
                    "(tallow Tensor or None required)"
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
            raise TypeError(f"{tallow.typename(module)} is not a Module subclass")
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
            raise TypeError(f"{kind} name should be a string. Got {tallow.typename(name)}")
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if name not in self.__dict__[table] and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    # -- attributes -------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # Members are in the instance's dict; what ends here is a mistake, or a subclass's own call.
        fields = self.__dict__
        for table in TABLES:
            if name in fields.get(table, ()):
                return fields[table][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Parameter, Module, Buffer)):
            self._set_member(name, value)
        elif name in self.__dict__ and self._replace_member(name, value):
            return
        else:
            object.__setattr__(self, name, value)

    def _set_member(self, name: str, value: Any) -> None:
        """Register a parameter, module or buffer, in the place of whatever had its name."""
        fields = self.__dict__
        if isinstance(value, Parameter):
            if "_parameters" not in fields:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_buffers", "_modules")
            self.register_parameter(name, value)
        elif name in fields.get("_parameters", ()):
            raise _wrong_kind("parameter", name, value, "tallow.nn.Parameter")
        elif isinstance(value, Module):
            if "_modules" not in fields:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, "_buffers")
            fields["_modules"][name] = run_registration_hooks(GLOBAL.module_registration, self, name, value)
        elif name in fields.get("_modules", ()):
            raise _wrong_kind("child module", name, value, "tallow.nn.Module")
        else:
            if "_buffers" not in fields:
                raise AttributeError("cannot assign buffer before Module.__init__() call")
            self._forget(name)
            self.register_buffer(name, value, value.persistent)

    def _replace_member(self, name: str, value: Any) -> bool:
        """Put None, or a buffer's new tensor, under a member's name; false if the name is no member's."""
        fields = self.__dict__
        if name in TABLES:
            fill(self, name, value)
        elif name in fields.get("_parameters", ()):
            if value is not None:
                raise _wrong_kind("parameter", name, value, "tallow.nn.Parameter")
            self.register_parameter(name, None)
        elif name in fields.get("_modules", ()):
            if value is not None:
                raise _wrong_kind("child module", name, value, "tallow.nn.Module")
            fields["_modules"][name] = None
        elif name in fields.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise _wrong_kind("buffer", name, value, "tallow.nn.Buffer, tallow.Tensor")
            fields["_buffers"][name] = run_registration_hooks(GLOBAL.buffer_registration, self, name, value)
        else:
            return False
        return True

    def __delattr__(self, name: str) -> None:
        for table in TABLES:
            if name in self.__dict__.get(table, ()):
                self._forget(name, table)
                return
        object.__delattr__(self, name)

    def _forget(self, name: str, *tables: str) -> None:
        """Drop `name` from the tables and from the instance's dict: the coming registration owns it."""
        fields = self.__dict__
        for table in tables:
            fields[table].pop(name, None)
            if table == "_buffers":
                fields["_non_persistent_buffers_set"].discard(name)
        if not any(name in fields[table] for table in TABLES):
            fields.pop(name, None)

    def __dir__(self) -> list[str]:
        return sorted(name for name in super().__dir__() if not name[:1].isdigit())

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
        children = [f"({name}): {_addindent(repr(module), 2)}" for name, module in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({extra})"
        body = "".join(f"\n  {line}" for line in lines + children)
        return f"{self._get_name()}({body}\n)" if body else f"{self._get_name()}()"

    def __getstate__(self) -> dict[str, Any]:
        return without_members(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        Module.__init__(self)  # a pickle of an older version may lack tables that came later
        self.__dict__.update({name: value for name, value in state.items() if name not in TABLES})
        for table in TABLES:
            fill(self, table, state.get(table, {}))


def _addindent(text: str, spaces: int) -> str:
    """`text` with every line but the first moved to the right."""
    return text.replace("\n", "\n" + " " * spaces)


def _wrong_kind(kind: str, name: str, value: Any, wanted: str) -> TypeError:
    return TypeError(f"cannot assign '{tallow.typename(value)}' as {kind} '{name}' ({wanted} or None expected)")
