"""Parameters and buffers that have no shape yet: ``UninitializedParameter`` and ``UninitializedBuffer``."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Tensor

from .parameter import Buffer, Parameter

__all__ = ["UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin", "is_lazy"]

#: What a tensor without a shape has. Whatever begins with an underscore is Python's own or the module system's.
_ALLOWED = frozenset(
    "bfloat16 bool byte char cls_to_become cpu cuda data device double dtype float get_device grad grad_fn half int "
    "is_complex is_cuda is_floating_point is_leaf is_meta layout long materialize persistent requires_grad "
    "requires_grad_ short to".split()
)
_OPERATORS = (
    "add sub mul truediv floordiv mod matmul pow and or xor lt le gt ge eq ne radd rsub rmul rtruediv rmatmul rpow "
    "neg invert abs len getitem setitem iadd isub imul itruediv bool float int"
).split()


def is_lazy(param: Any) -> bool:
    """Whether `param` is a parameter or buffer that has no shape yet."""
    return isinstance(param, UninitializedTensorMixin)


class UninitializedTensorMixin:
    """A tensor that has a dtype and a device, but no shape: nothing can be computed with it."""

    cls_to_become: type[Tensor] = Tensor

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary parameter or buffer of this shape, with uninitialised values.

        Args:
            shape: the shape.
            device, dtype: those it has, if None.
        """
        tensor: Any = self
        tensor.data = tallow.empty(
            tuple(shape),
            device=tensor.data.device if device is None else device,
            dtype=tensor.data.dtype if dtype is None else dtype,
        )
        tensor.__class__ = self.cls_to_become

    def __getattribute__(self, name: str) -> Any:
        if name in _ALLOWED or name.startswith("_"):
            return super().__getattribute__(name)
        if name == "shape":
            raise RuntimeError(
                "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
                "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call "
                "`forward` to initialize the parameters before accessing their attributes."
            )
        if name in ("share_memory_", "is_shared"):
            raise RuntimeError(
                "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the "
                "parameters before calling `module.share_memory()`."
            )
        super().__getattribute__(name)  # AttributeError for what no tensor has
        raise _misuse(name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        tensor: Any = self
        return _rebuild, (type(self), tensor.requires_grad, tensor.data.device, tensor.data.dtype, _persistent(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            rebuild, arguments = self.__reduce_ex__(2)
            memo[id(self)] = rebuild(*arguments)
        return memo[id(self)]

    __hash__ = Tensor.__hash__


def _misuse(name: str) -> ValueError:
    return ValueError(
        f"Attempted to use an uninitialized parameter in {name}. This error happens when you are using a "
        "`LazyModule` or explicitly manipulating `tallow.nn.parameter.UninitializedParameter` objects. When using "
        "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling tallow functions"
    )


def _refusing(name: str) -> Any:
    def refuse(self: Any, *args: Any) -> Any:
        raise _misuse(name)

    refuse.__name__ = name
    return refuse


for _name in _OPERATORS:
    setattr(UninitializedTensorMixin, f"__{_name}__", _refusing(f"__{_name}__"))


def _persistent(tensor: Any) -> Any:
    return getattr(tensor, "persistent", None) if isinstance(tensor, Buffer) else None


def _rebuild(cls: Any, requires_grad: bool, device: Any, dtype: Any, persistent: bool | None) -> Any:
    more = {} if persistent is None else {"persistent": persistent}
    return cls(requires_grad=requires_grad, device=device, dtype=dtype, **more)


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape is known at the first call of its module.

    Args:
        requires_grad: whether gradients are accumulated for it. Default: True.
        device, dtype: of the values to come.

    >>> from tallow import nn
    >>> p = nn.UninitializedParameter()
    >>> p
    <UninitializedParameter>
    >>> p.materialize((2, 3))
    >>> tuple(p.shape), type(p).__name__
    ((2, 3), 'Parameter')
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> UninitializedParameter:
        param: Any = super().__new__(cls, tallow.empty(0, device=device, dtype=dtype), requires_grad)
        return param


class UninitializedBuffer(UninitializedTensorMixin, Buffer):
    """A buffer whose shape is known at the first call of its module; arguments as in `UninitializedParameter`.

    Args:
        persistent: whether the buffer is part of the module's ``state_dict``. Default: True.

    >>> from tallow import nn
    >>> buffer = nn.UninitializedBuffer()
    >>> buffer.materialize((2,))
    >>> tuple(buffer.shape)
    (2,)
    """

    cls_to_become = Buffer

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> UninitializedBuffer:
        data = tallow.empty(0, device=device, dtype=dtype)
        buffer: Any = super().__new__(cls, data, persistent=persistent)
        return buffer.requires_grad_() if requires_grad else buffer
