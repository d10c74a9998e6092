"""Making tensors from Python data."""

from __future__ import annotations

import warnings
from typing import Any

from tallow import _core, _ops
from tallow._core import Tensor, device, dtype, float32

__all__ = [
    "as_tensor",
    "asarray",
    "from_numpy",
    "from_dlpack",
    "frombuffer",
    "get_default_dtype",
    "set_default_dtype",
    "tensor",
]

_to = _ops.packet("_to")
_runtime = _ops.Namespace("runtime")


def _place(t: Tensor, dtype: dtype | None, device: Any, copy: bool) -> Tensor:
    return _to(t, dtype, None if device is None else _device(device), False, copy)


def _device(d: Any) -> device:
    return d if isinstance(d, device) else device(d)


def _is_array(data: Any) -> bool:
    return hasattr(data, "__array_interface__") or (hasattr(data, "__array__") and not isinstance(data, Tensor))


def _from_object(data: Any, dtype: dtype | None) -> tuple[Tensor, bool]:
    """The tensor, and whether it shares memory with data."""
    if isinstance(data, Tensor):
        return data.detach(), True
    if _is_array(data):
        return _numpy_tensor(data), True
    if isinstance(data, (memoryview, bytearray)) or type(data).__module__ == "array":
        return _core._tensor_from_buffer(data), True
    return _core._tensor_from_data(data, dtype), False


def _numpy_tensor(array: Any) -> Tensor:
    import numpy as np

    a = np.asarray(array)
    if a.dtype.byteorder == ">" or (a.dtype.byteorder == "=" and not np.little_endian):
        raise ValueError("given numpy array has byte order different from the native byte order")
    if a.dtype == object or a.dtype.kind in "SUMmV":
        raise TypeError(
            f"can't convert np.ndarray of type {a.dtype}. The only supported types are: float64, float32, float16, "
            "complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
        )
    if not a.flags.writeable:
        # Reading is safe; writing to the tensor would write to memory that NumPy promised not to change.
        why = "The given NumPy array is not writable: the tensor must not be written to"
        warnings.warn(why, UserWarning, stacklevel=4)
    return _core._tensor_from_buffer(a)


def tensor(
    data: Any,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of ``data`` (nested sequences, numbers, arrays, tensors).

    The dtype is inferred: bool, int64, the default dtype or its complex counterpart.

    >>> import tallow
    >>> tallow.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])

    Raises ``ValueError`` for ragged sequences and ``TypeError`` for what is not a number.
    """
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() "
            "or sourceTensor.detach().clone().requires_grad_(True), rather than tallow.tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
    t, shared = _from_object(data, dtype)
    if shared or device is not None or (dtype is not None and t.dtype is not dtype):
        t = _place(t, dtype, device, shared)
    return t.requires_grad_() if requires_grad else t


def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """Like :func:`tensor`, but shares memory (and keeps the graph) where it can.

    >>> import tallow
    >>> a = tallow.ones(2)
    >>> tallow.as_tensor(a) is a
    True
    """
    if isinstance(data, Tensor):
        return _place(data, dtype, device, False)
    t, _ = _from_object(data, dtype)
    return _place(t, dtype, device, False)


def asarray(
    obj: Any, *, dtype: dtype | None = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """The array-API form of :func:`as_tensor`: ``copy`` True always copies, False never (``ValueError`` if it must)."""
    t, shared = _from_object(obj, dtype)
    if isinstance(obj, Tensor) and not requires_grad:
        t = obj
    placed = _place(t, dtype, device, False)
    if copy is False and (not shared or placed is not t):
        raise ValueError("can't alias the input with the requested dtype and device: copy=False is not possible")
    if copy and shared and placed is t:
        placed = placed.clone()
    return placed.requires_grad_() if requires_grad else placed


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor over the memory of a NumPy array: writes to one are seen in the other.

    >>> import numpy as np, tallow
    >>> a = np.zeros(2)
    >>> t = tallow.from_numpy(a)
    >>> _ = t.add_(1)
    >>> a
    array([1., 1.])
    """
    if type(ndarray).__module__.split(".")[0] != "numpy" and not hasattr(ndarray, "__array_interface__"):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    return _numpy_tensor(ndarray)


def frombuffer(
    buffer: Any, *, dtype: dtype, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A one-dimensional tensor over the bytes of an object that exports a buffer."""
    t = _core._frombuffer(buffer, dtype, count, offset)
    return t.requires_grad_() if requires_grad else t


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of an array of any library that speaks DLPack, or of a DLPack capsule.

    ``copy=True`` asks the producer for memory of its own, ``copy=False`` forbids that (the producer's ``BufferError``
    or ``ValueError`` says when it cannot be had); ``device`` asks it for another device.

    >>> import numpy as np, tallow
    >>> a = np.zeros(2)
    >>> _ = tallow.from_dlpack(a).add_(1)
    >>> a
    array([1., 1.])
    """
    from tallow._dlpack import from_dlpack as convert

    return convert(ext_tensor, device=device, copy=copy)


def get_default_dtype() -> dtype:
    """The dtype of Python floats: float32 unless set otherwise.

    >>> import tallow
    >>> tallow.get_default_dtype()
    tallow.float32
    """
    return _runtime.get_default_dtype()


def set_default_dtype(d: dtype) -> None:
    """Sets the dtype of Python floats; it must be a floating-point dtype (else ``TypeError``)."""
    _runtime.set_default_dtype(d if d is not None else float32)
