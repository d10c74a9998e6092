"""Tensors that a module owns: ``Parameter`` (trained) and ``Buffer`` (state that is not trained)."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Tensor

__all__ = ["Buffer", "Parameter"]


class Parameter(Tensor):
    """A tensor that a :class:`~tallow.nn.Module` registers when it is assigned as an attribute.

    Args:
        data: the values; storage is shared, not copied. Default: an empty tensor.
        requires_grad: whether gradients are accumulated for it. Default: True.

    >>> from tallow import nn
    >>> m = nn.Module()
    >>> m.scale = nn.Parameter(tallow.ones(2))
    >>> [name for name, _ in m.named_parameters()]
    ['scale']
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = tallow.empty(0)
        elif not isinstance(data, Tensor):
            raise TypeError(f"Parameter(): argument 'data' must be a Tensor, not {type(data).__name__}")
        param: Any = super().__new__(cls, data)  # shares storage with data, and is detached from its graph
        return param.requires_grad_() if requires_grad else param

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # The result of detach() is a plain tensor, so this does not recurse.
        return _rebuild_parameter, (type(self), self.detach(), self.requires_grad, vars(self))

    def __repr__(self) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that a module registers as a buffer when it is assigned as an attribute.

    Args:
        data: the values; storage is shared, not copied.
        persistent: whether the buffer is part of the module's ``state_dict``. Default: True.

    >>> from tallow import nn
    >>> m = nn.Module()
    >>> m.mean = nn.Buffer(tallow.zeros(2))
    >>> list(m.state_dict())
    ['mean']
    """

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        if data is None:
            data = tallow.empty(0)
        elif not isinstance(data, Tensor):
            raise TypeError(f"Buffer(): argument 'data' must be a Tensor, not {type(data).__name__}")
        buffer: Any = super().__new__(cls, data)
        buffer.persistent = persistent
        return buffer

    def __deepcopy__(self, memo: dict[int, Any]) -> Buffer:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), persistent=self.persistent)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _rebuild_buffer, (type(self), self.detach(), self.persistent)


def _rebuild_parameter(
    cls: type[Parameter], data: Tensor, requires_grad: bool, attributes: dict[str, Any] | None = None
) -> Parameter:
    param = cls(data, requires_grad)
    vars(param).update(attributes or {})
    return param


def _rebuild_buffer(cls: type[Buffer], data: Tensor, persistent: bool) -> Buffer:
    return cls(data, persistent=persistent)


def __getattr__(name: str) -> Any:
    # What is lazy is in a module of its own, which needs this one.
    if name in ("UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin", "is_lazy"):
        from . import lazy_parameter

        return getattr(lazy_parameter, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
