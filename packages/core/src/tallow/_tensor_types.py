"""``FloatTensor``, ``LongTensor``, ...: the names by which programs made tensors before there were dtypes."""

from __future__ import annotations

from typing import Any

from tallow import _core
from tallow._core import Tensor
from tallow._tensor import _LEGACY

__all__ = [f"{name}Tensor" for name in _LEGACY if not name.startswith("Complex")]


class _TensorType(type):
    """A type of no objects of its own: its instances are the tensors of its dtype on the CPU."""

    dtype: Any

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor) and x.dtype == cls.dtype and x.device.type == "cpu"

    def __call__(cls, *args: Any) -> Tensor:
        """Sizes give an uninitialized tensor, data one of this dtype."""
        import tallow

        if not args:
            return tallow.empty(0, dtype=cls.dtype)
        if len(args) == 1 and isinstance(args[0], Tensor):
            if args[0].dtype != cls.dtype:
                raise TypeError(f"{cls.__name__}: expected a tensor of {cls.dtype}, got one of {args[0].dtype}")
            return args[0].detach()
        if len(args) == 1 and isinstance(args[0], _core.Size):
            return tallow.empty(*args[0], dtype=cls.dtype)
        if all(isinstance(a, int) and not isinstance(a, bool) for a in args):
            return tallow.empty(*args, dtype=cls.dtype)
        if len(args) == 1 and not isinstance(args[0], (float, complex, str)):
            return tallow.tensor(args[0]).to(cls.dtype)
        raise TypeError(f"{cls.__name__}: expected sizes or a sequence of data, got {type(args[0]).__name__}")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tallow._tensor_types' has no attribute {name!r}")
    dtype = getattr(_core, _LEGACY[name.removesuffix("Tensor")])
    doc = f"Tensors of {dtype} on the CPU: for ``isinstance``, for ``Tensor.type``, and to make one from sizes or data."
    made = _TensorType(name, (), {"dtype": dtype, "__doc__": doc, "__module__": "tallow"})
    globals()[name] = made
    return made
