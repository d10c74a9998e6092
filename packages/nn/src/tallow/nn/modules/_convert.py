"""Moving and casting a module tree: ``to``, ``float``, ``half``, ``cpu``, ``cuda``, ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import tallow
from tallow import Tensor

from ..lazy_parameter import is_lazy
from ..parameter import Parameter

__all__ = ["ConvertMixin"]

Self = TypeVar("Self", bound="ConvertMixin")


class ConvertMixin:
    """The part of ``Module`` that replaces the data of its parameters and buffers, in place."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]

    def _apply(self: Self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace every tensor `t` of the tree, gradients included, by ``fn(t)``; parameters stay the same objects."""
        if recurse:
            for module in self.children():  # type: ignore[attr-defined]
                module._apply(fn)
        for name, param in self._parameters.items():
            if param is None:
                continue
            grad = param.grad
            with tallow.no_grad():
                data = fn(param)
                new_grad = None if grad is None else fn(grad)
            if data.device == param.device:
                param.grad = None  # a gradient must have its parameter's dtype at every moment
                param.data = data
            elif is_lazy(param):
                param.data = data
            else:
                # Another object: an optimizer must be made after a move to another device.
                param = Parameter(data, param.requires_grad)
                self._parameters[name] = param
            if new_grad is not None:
                param.grad = new_grad
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self: Self, *args: Any, **kwargs: Any) -> Self:
        """Move and/or cast in place: ``to(device)``, ``to(dtype)``, ``to(device, dtype)``, ``to(tensor)``.

        With ``memory_format=tallow.channels_last`` the tensors of 4 and 5 dimensions are laid out anew.
        Only floating point and complex tensors are cast; integer ones keep their dtype and only move.

        Raises:
            TypeError: if `dtype` is neither floating point nor complex.

        >>> from tallow import nn
        >>> nn.Linear(2, 2).to(tallow.float64).weight.dtype == tallow.float64
        True
        """
        device, dtype, non_blocking, memory_format = _parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        def convert(t: Tensor) -> Tensor:
            target = dtype if t.is_floating_point() or t.is_complex() else None
            if memory_format is not None and t.dim() in (4, 5):
                place = t.device if device is None else device
                kind = t.dtype if target is None else target
                return t.to(device=place, dtype=kind, non_blocking=non_blocking, memory_format=memory_format)
            if device is None:
                return t if target is None else t.to(dtype=target, non_blocking=non_blocking)
            if target is None:
                return t.to(device=device, non_blocking=non_blocking)
            return t.to(device=device, dtype=target, non_blocking=non_blocking)

        def convert_or_explain(t: Tensor) -> Tensor:
            try:
                return convert(t)
            except NotImplementedError as error:
                if not t.is_meta:
                    raise
                raise NotImplementedError(
                    f"{error} Please use tallow.nn.Module.to_empty() instead of tallow.nn.Module.to() "
                    "when moving module from meta to a different device."
                ) from None

        return self._apply(convert_or_explain)

    def to_empty(self: Self, *, device: Any, recurse: bool = True) -> Self:
        """Move to `device` without copying: the values are uninitialised afterwards (for meta modules)."""
        return self._apply(lambda t: tallow.empty_like(t, device=device), recurse=recurse)

    def type(self: Self, dst_type: Any) -> Self:
        """Cast every parameter and buffer, integer ones included, to `dst_type`."""
        return self._apply(lambda t: t.to(dst_type))

    def float(self: Self) -> Self:
        """Cast every floating point tensor to float32."""
        return self._cast(tallow.float32)

    def double(self: Self) -> Self:
        """Cast every floating point tensor to float64."""
        return self._cast(tallow.float64)

    def half(self: Self) -> Self:
        """Cast every floating point tensor to float16."""
        return self._cast(tallow.float16)

    def bfloat16(self: Self) -> Self:
        """Cast every floating point tensor to bfloat16."""
        return self._cast(tallow.bfloat16)

    def _cast(self: Self, dtype: Any) -> Self:
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def cpu(self: Self) -> Self:
        """Move to the CPU."""
        return self._apply(lambda t: t.to("cpu"))

    def cuda(self: Self, device: Any = None) -> Self:
        """Move to a CUDA device: the current one, an index, or a device."""
        return self._apply(lambda t: t.cuda(device))

    def xpu(self: Self, device: Any = None) -> Self:
        """Move to an XPU device, where there is one."""
        return self._move("xpu", device)

    def ipu(self: Self, device: Any = None) -> Self:
        """Move to an IPU device, where there is one."""
        return self._move("ipu", device)

    def mtia(self: Self, device: Any = None) -> Self:
        """Move to an MTIA device, where there is one."""
        return self._move("mtia", device)

    def _move(self: Self, kind: str, device: Any) -> Self:
        if device is None:
            device = kind
        elif isinstance(device, int):
            device = f"{kind}:{device}"
        return self._apply(lambda t: t.to(device))

    def share_memory(self: Self) -> Self:
        """Put parameters and buffers into memory that other processes see."""
        return self._apply(lambda t: t.share_memory_())

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Set whether gradients are accumulated for the parameters."""
        for param in self.parameters():  # type: ignore[attr-defined]
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients: drop them, or fill them with zeros if not `set_to_none`."""
        for param in self.parameters():  # type: ignore[attr-defined]
            if param.grad is None:
                continue
            if set_to_none:
                param.grad = None
            else:
                param.grad.detach_().zero_()


def _parse_to(
    *args: Any,
    device: Any = None,
    dtype: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    tensor: Tensor | None = None,
    memory_format: Any = None,
) -> tuple[Any, Any, bool, Any]:
    """(device, dtype, non_blocking, memory_format) of the forms that ``Tensor.to`` takes."""
    if tensor is not None:
        args = (tensor, *args)
    rest = list(args)
    if rest and isinstance(rest[0], Tensor):
        other = rest.pop(0)
        device, dtype = other.device, other.dtype
    elif rest and isinstance(rest[0], tallow.dtype):
        dtype = rest.pop(0)
    elif rest:
        device = rest.pop(0)
        if rest and (rest[0] is None or isinstance(rest[0], tallow.dtype)):
            dtype = rest.pop(0)
    if rest and isinstance(rest[0], bool):
        non_blocking = rest.pop(0)
    if rest:
        raise TypeError(f"to() received an invalid combination of arguments: {args}")
    return (None if device is None else tallow.device(device)), dtype, non_blocking, memory_format
