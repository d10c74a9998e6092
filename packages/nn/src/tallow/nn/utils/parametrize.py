"""Parameters that are functions of other tensors: ``register_parametrization`` and what goes with it."""

from __future__ import annotations

import copy
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tallow
from tallow import Tensor

from ..modules.container import ModuleDict, ModuleList
from ..modules.module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]


class _Cache:
    """What ``cached()`` keeps: the tensors that were computed, by module and name."""

    depth = 0
    tensors: dict[tuple[int, str], Tensor] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Within this context every parametrized tensor is computed once, however often it is used.

    >>> import tallow
    >>> from tallow import nn
    >>> from tallow.nn.utils import parametrize
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    >>> with parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    _Cache.depth += 1
    try:
        yield
    finally:
        _Cache.depth -= 1
        if _Cache.depth == 0:
            _Cache.tensors = {}


def _register(module: Module, name: str, value: Tensor) -> None:
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


def _replace(current: Tensor, value: Tensor) -> None:
    """Give a tensor other values, and maybe another shape; it stays the same object, and an optimizer's."""
    current.data = value.detach()


def _try_inverse(module: Module, value: Any) -> tuple[Any, bool]:
    """What the parametrization's ``right_inverse`` gives for `value`, and whether it has one."""
    inverse = getattr(module, "right_inverse", None)
    if inverse is None:
        return value, False
    try:
        return inverse(value), True
    except NotImplementedError:
        return value, False


def _check_like(value: Any, wanted: Tensor, what: str, names: tuple[str, str], flag: str = "the `unsafe`") -> None:
    """A tensor of the same dtype and shape, or a ValueError that says what differs."""
    for attribute in ("dtype", "shape"):
        before, after = getattr(wanted, attribute), getattr(value, attribute)
        if before != after:
            raise ValueError(
                f"{what.format(attribute)} unless {flag} flag is enabled.\n"
                f"{names[0]}{attribute}: {before}\n{names[1]}{attribute}: {after}"
            )


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, in the order in which they are applied, and the tensors they start from.

    Attributes:
        original: what the first one is applied to; ``original0``, ``original1``, ... if it takes several tensors.
        unsafe: whether dtype and shape may change.

    >>> from tallow import nn
    >>> class Double(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * x
    >>> layer = nn.Linear(1, 1)
    >>> _ = nn.utils.parametrize.register_parametrization(layer, "weight", Double())
    >>> layer.parametrizations.weight
    ParametrizationList(
      (0): Double()
    )
    """

    original: Tensor
    unsafe: bool

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        before = tallow.empty(original.shape, dtype=original.dtype, device="meta")
        with tallow.no_grad():
            new: Any = original
            for module in reversed(list(self)):
                new, _ = _try_inverse(module, new)
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if isinstance(new, Tensor):
            self._own_one(original, new)
        else:
            self._own_several(original, new)
        if not self.unsafe:
            made = self()
            if not isinstance(made, Tensor):
                raise ValueError(f"A parametrization must return a tensor. Got {type(made).__name__}.")
            _check_like(
                made,
                before,
                "Registering a parametrization may not change the {} of the tensor,",
                ("unparametrized ", "parametrized "),
                "`unsafe`",
            )

    def _own_one(self, original: Tensor, new: Tensor) -> None:
        for attribute in ("dtype", "device"):
            if getattr(original, attribute) != getattr(new, attribute):
                raise ValueError(
                    f"When `right_inverse` outputs one tensor, it may not change the {attribute}.\n"
                    f"original.{attribute}: {getattr(original, attribute)}\n"
                    f"right_inverse(original).{attribute}: {getattr(new, attribute)}"
                )
        if new is not original:
            _replace(original, new)
        _register(self, "original", original)

    def _own_several(self, original: Tensor, new: Sequence[Any]) -> None:
        for i, value in enumerate(new):
            if not isinstance(value, Tensor):
                raise ValueError(
                    "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                    f"Got element {i} of the sequence with type {type(value).__name__}."
                )
            if isinstance(original, Parameter):
                value = Parameter(value, original.requires_grad)
            _register(self, f"original{i}", value.requires_grad_(original.requires_grad))

    def right_inverse(self, value: Tensor) -> None:
        """Set the original tensors so that the parametrized one becomes `value`: what an assignment does.

        Raises:
            RuntimeError: if a parametrization has no ``right_inverse``.
            ValueError: if one returns what does not fit the original tensors.
        """
        with tallow.no_grad():
            new: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                new = module.right_inverse(new)
            if self.is_tensor:
                if not isinstance(new, Tensor):
                    raise ValueError(f"`right_inverse` should return a tensor. Got {type(new).__name__}")
                if new.dtype != self.original.dtype:
                    raise ValueError(
                        f"The tensor returned by `right_inverse` has dtype {new.dtype} while `original` has dtype "
                        f"{self.original.dtype}"
                    )
                _replace(self.original, new)
                return
            if not isinstance(new, Sequence):
                raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(new).__name__}.")
            if len(new) != self.ntensors:
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a sequence of "
                    f"length {len(new)}."
                )
            for i, tensor in enumerate(new):
                current = getattr(self, f"original{i}")
                if not isinstance(tensor, Tensor):
                    raise ValueError(
                        f"'right_inverse' must return a sequence of tensors. Got element {i} of type "
                        f"{type(tensor).__name__}."
                    )
                if current.dtype != tensor.dtype:
                    raise ValueError(
                        f"Tensor {i} returned by `right_inverse` has dtype {tensor.dtype} while `original{i}` has "
                        f"dtype {current.dtype}"
                    )
                _replace(current, tensor)

    def forward(self) -> Tensor:
        first, *rest = self
        if self.is_tensor:
            value = first(self.original)
        else:
            value = first(*(getattr(self, f"original{i}") for i in range(self.ntensors)))
        for module in rest:
            value = module(value)
        return value


def _parametrized_class(cls: type[Any]) -> type[Any]:
    """A subclass of its own for one module: properties for its tensors will be put there."""

    def __getstate__(self: Any) -> Any:
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict(): save that, and load it into "
            "a module that was parametrized in the same way."
        )

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        replica = memo.get(id(self))
        if replica is None:
            replica = memo[id(self)] = object.__new__(type(self))
            replica.__setstate__(copy.deepcopy(Module.__getstate__(self), memo))
        return replica

    members: dict[str, Any] = {"__getstate__": __getstate__}
    if not hasattr(cls, "__deepcopy__"):
        members["__deepcopy__"] = __deepcopy__
    name = f"Parametrized{cls.__name__}"
    return types.new_class(name, (cls,), exec_body=lambda fields: fields.update(members))


def _inject_property(module: Module, tensor_name: str) -> None:
    def get(self: Any) -> Tensor:
        parametrization = self.parametrizations[tensor_name]
        if not _Cache.depth:
            return parametrization()
        key = id(self), tensor_name
        if key not in _Cache.tensors:
            _Cache.tensors[key] = parametrization()
        return _Cache.tensors[key]

    def put(self: Any, value: Tensor) -> None:
        self.parametrizations[tensor_name].right_inverse(value)

    setattr(type(module), tensor_name, property(get, put))


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make a parameter or buffer the result of a module, applied to what it was.

    ``module.weight`` is then computed at every access; the tensor that is trained is
    ``module.parametrizations.weight.original``. A parametrization with a ``right_inverse`` method takes the present
    value over, and lets the tensor be assigned. Registering another one on the same tensor applies it after the first.

    Args:
        module: owns the tensor.
        tensor_name: the parameter's or buffer's name.
        parametrization: the module to apply.
        unsafe: skip the checks that dtype and shape do not change. Default: False.

    Raises:
        ValueError: if there is no such tensor, or a check fails.

    >>> import tallow
    >>> from tallow import nn
    >>> from tallow.nn.utils import parametrize
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).mT
    >>> layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> tallow.equal(layer.weight, layer.weight.mT)
    True
    >>> list(layer.state_dict())
    ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    owner: Any = module
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_addition(module, tensor_name, parametrization)
        owner.parametrizations[tensor_name].append(parametrization)
        owner.parametrizations[tensor_name].unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        chain = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            owner.__class__ = _parametrized_class(type(module))
            owner.parametrizations = ModuleDict()
        _inject_property(module, tensor_name)
        owner.parametrizations[tensor_name] = chain
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    return module


def _check_addition(module: Module, tensor_name: str, parametrization: Module) -> None:
    before = getattr(module, tensor_name)
    after = parametrization(before)
    if not isinstance(after, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
    names = (f"module.{tensor_name}.", f"parametrization(module.{tensor_name}).")
    _check_like(after, before, "Registering a parametrization may not change the {} of the tensor,", names)
    inverse, exists = _try_inverse(parametrization, after)
    if exists:
        if not isinstance(inverse, Tensor):
            raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(inverse).__name__}")
        what = f"The tensor returned by parametrization.right_inverse must have the same {{}} as module.{tensor_name},"
        _check_like(inverse, before, what, (f"module.{tensor_name}.", "returned "))


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module, or its tensor of that name, has a parametrization.

    >>> from tallow import nn
    >>> class Double(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * x
    >>> layer = nn.Linear(1, 1)
    >>> _ = nn.utils.parametrize.register_parametrization(layer, "weight", Double())
    >>> nn.utils.parametrize.is_parametrized(layer, "weight"), nn.utils.parametrize.is_parametrized(layer, "bias")
    (True, False)
    """
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a parametrized tensor an ordinary one again.

    Args:
        leave_parametrized: keep the parametrized value, and not the original one. Default: True.

    Raises:
        ValueError: if there is no such parametrization, or `leave_parametrized` is False and it has several originals.

    >>> from tallow import nn
    >>> class Double(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * x
    >>> layer = nn.Linear(1, 1)
    >>> _ = nn.utils.parametrize.register_parametrization(layer, "weight", Double())
    >>> nn.utils.parametrize.remove_parametrizations(layer, "weight")
    Linear(in_features=1, out_features=1, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    owner: Any = module
    chain = owner.parametrizations[tensor_name]
    if chain.is_tensor:
        original = chain.original
        if leave_parametrized:
            with tallow.no_grad():
                _replace(original, getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del owner.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        del owner.parametrizations
        owner.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class of the module without the one that parametrization put before it.

    >>> from tallow import nn
    >>> class Double(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * x
    >>> layer = nn.Linear(1, 1)
    >>> _ = nn.utils.parametrize.register_parametrization(layer, "weight", Double())
    >>> nn.utils.parametrize.type_before_parametrizations(layer).__name__
    'Linear'
    """
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give `to_module` the parametrizations of `from_module`, of one tensor or of all, with their original tensors.

    >>> from tallow import nn
    >>> class Double(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * x
    >>> layer = nn.Linear(1, 1)
    >>> _ = nn.utils.parametrize.register_parametrization(layer, "weight", Double())
    >>> other = nn.utils.parametrize.transfer_parametrizations_and_params(layer, nn.Linear(1, 1))
    >>> bool(other.weight == layer.weight)
    True
    """
    if not is_parametrized(from_module):
        return to_module
    source: Any = from_module.parametrizations
    target: Any = to_module
    for name in list(source) if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        for parametrization in source[name]:
            register_parametrization(to_module, name, parametrization)
        for original in source[name]._parameters.keys() | source[name]._buffers.keys():
            setattr(target.parametrizations[name], original, getattr(source[name], original))
    return to_module
