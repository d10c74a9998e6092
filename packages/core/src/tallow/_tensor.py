"""What Tensor has beyond the registry's ops: conversions, interop, pickling, and the doors to autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tallow import _core, _ops, _sparse_tensor
from tallow._core import Tensor, device, dtype, memory_format

_to = _ops.packet("_to")

_DTYPE_METHODS = {
    "float": _core.float32,
    "double": _core.float64,
    "half": _core.float16,
    "bfloat16": _core.bfloat16,
    "int": _core.int32,
    "long": _core.int64,
    "short": _core.int16,
    "char": _core.int8,
    "byte": _core.uint8,
    "bool": _core.bool,
    "cfloat": _core.complex64,
    "cdouble": _core.complex128,
}


# ---------------------------------------------------------------- what the native binding calls back
def _packet(name: str) -> Any:
    return _ops.packet(name)


def _result_type(schema: str) -> Any:
    """A named tuple for an op with several named results, or None for a plain tuple."""
    import re
    from collections import namedtuple

    name = re.split(r"[(.]", schema.split("::")[-1], maxsplit=1)[0]
    results = schema.rsplit("->", 1)[1].strip().strip("()").split(",")
    fields = [r.split()[-1] for r in results if len(r.split()) == 2]
    if len(fields) != len(results):
        return None
    make: Any = namedtuple  # called with a name that a type checker does not know
    results_type = make(name, fields, module="tallow.return_types")
    results_type.__repr__ = _results_repr
    return results_type._make


def _results_repr(results: Any) -> str:
    values = ",\n".join(f"{field}={getattr(results, field)!r}" for field in results._fields)
    return f"{_display_name()}.return_types.{type(results).__name__}(\n{values})"


def _tensor_repr(t: Tensor) -> str:
    from tallow._tensor_str import _str

    return _str(t)


def _as_index(data: Any) -> Tensor:
    """A list or array used as an index."""
    from tallow._creation import as_tensor

    t = as_tensor(data)
    return t.long() if t.numel() == 0 and t.dtype.is_floating_point else t


def _as_value(data: Any, like: Tensor) -> Tensor:
    """What stands on the right of ``x[...] =`` and is neither tensor nor number."""
    from tallow._creation import as_tensor

    try:
        return as_tensor(data, dtype=like.dtype)
    except TypeError:
        raise TypeError(f"can't assign a {type(data).__name__} to a {like.dtype} tensor") from None


def _tensor_new(cls: type, *args: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """``Tensor(...)``: sizes give an uninitialized tensor, data a float one."""
    import tallow

    if not args:
        t = tallow.empty(0)
    elif len(args) == 1 and isinstance(args[0], Tensor):
        t = args[0].detach()
    elif len(args) == 1 and not isinstance(args[0], int):
        if isinstance(args[0], _core.Size):
            t = tallow.empty(*args[0])
        elif isinstance(args[0], (float, complex, str)):
            raise TypeError(f"new(): data must be a sequence (got {type(args[0]).__name__})")
        else:
            t = tallow.tensor(args[0], dtype=tallow.get_default_dtype())
    else:
        t = tallow.empty(*args)
    if device is not None:
        t = t.to(device)
    return t if cls is Tensor else _core._make_subclass(cls, t)


# ---------------------------------------------------------------- conversions
def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """``to(dtype)``, ``to(device, dtype)``, ``to(other)``: the tensor in another dtype or place, itself if it fits.

    Keywords: ``dtype``, ``device``, ``non_blocking``, ``copy`` (always copy), ``memory_format``.
    """
    wanted: dict[str, Any] = {"dtype": None, "device": None, "memory_format": None, "non_blocking": False}
    wanted["copy"] = False
    rest: list[str] = []
    for i, a in enumerate(args):
        if i == 0 and isinstance(a, Tensor):
            wanted["dtype"], wanted["device"] = a.dtype, a.device
            rest = ["non_blocking", "copy"]
        elif isinstance(a, dtype) and wanted["dtype"] is None and i < 2:
            wanted["dtype"] = a
            rest = ["non_blocking", "copy"]
        elif isinstance(a, (str, device)) and i == 0:
            wanted["device"] = a
            rest = ["non_blocking", "copy"]
        elif i == 0 and isinstance(a, type) and a in (bool, int, float, complex):
            wanted["dtype"] = {bool: _core.bool, int: _core.int64, float: _core.float64, complex: _core.complex128}[a]
            rest = ["non_blocking", "copy"]
        elif a is None and i < 2:
            rest = ["non_blocking", "copy"]
        elif rest and isinstance(a, bool):
            wanted[rest.pop(0)] = a
        elif isinstance(a, memory_format):
            wanted["memory_format"] = a
        else:
            raise TypeError(f"to() received an invalid argument of type {type(a).__name__} at position {i + 1}")
    other = kwargs.pop("other", None)
    if other is not None:
        wanted["dtype"], wanted["device"] = other.dtype, other.device
    for key, value in kwargs.items():
        if key not in wanted:
            raise TypeError(f"to() got an unexpected keyword argument '{key}'")
        wanted[key] = value
    where = wanted["device"]
    if isinstance(where, str):
        where = device(where)
    return _to(self, wanted["dtype"], where, wanted["non_blocking"], wanted["copy"], wanted["memory_format"])


def _cast_method(name: str, d: dtype) -> Callable[..., Tensor]:
    def cast(self: Tensor, memory_format: Any = None) -> Tensor:
        return _to(self, d, None, False, False, memory_format)

    cast.__name__ = name
    cast.__doc__ = f"The tensor as {d}; itself if it is that already."
    return cast


def _display_name() -> str:
    """The library's name as dtypes are printed: ``torch`` in a program that imported it by that name."""
    return repr(_core.float32).partition(".")[0]


def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's type, or the tensor in another dtype."""
    import tallow

    if dtype is None:
        names = {v: k for k, v in _LEGACY.items()}
        return f"{_display_name()}.{'sparse.' if self.is_sparse else ''}{names[self.dtype.name]}Tensor"
    if isinstance(dtype, str):
        dtype = getattr(tallow, _LEGACY[dtype.split(".")[-1].removesuffix("Tensor")])
    elif isinstance(dtype, type):  # tallow.FloatTensor and its like
        dtype = getattr(dtype, "dtype", dtype)
    return self.to(dtype, non_blocking=non_blocking)


_LEGACY = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Int": "int32", "Long": "int64",
    "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool", "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
}  # fmt: skip


def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor on the CPU."""
    return _to(self, None, device("cpu"), False, False, memory_format)


def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """The tensor on a GPU; an ``AssertionError`` where there is none."""
    import tallow

    if not tallow.cuda.is_available():
        raise AssertionError("Tensor.cuda: Tallow not compiled with CUDA enabled: ask tallow.cuda.is_available() first")
    return self.to("cuda" if device is None else device, non_blocking=non_blocking)


def as_subclass(self: Tensor, cls: type) -> Any:
    """The same data and history as an instance of ``cls``, a subclass of Tensor."""
    return _core._as_subclass(self, cls)


def get_device(self: Tensor) -> int:
    """The index of the GPU that the tensor is on, -1 for the CPU."""
    return -1 if self.device.index is None or self.device.type == "cpu" else int(self.device.index)


def _is_view(self: Tensor) -> bool:
    """Whether the tensor is a view of another one, as autograd sees it."""
    return self._base is not None


def is_nonzero(self: Tensor) -> bool:
    """Whether the one element of the tensor is not zero."""
    return bool(self)


def new(self: Tensor, *args: Any) -> Tensor:
    """Sizes give an uninitialized tensor, data one with its values; of this tensor's dtype."""
    return _tensor_new(Tensor, *args).to(self.dtype)


def pin_memory(self: Tensor) -> Tensor:
    """Memory that a GPU copies from fast: a ``RuntimeError``, there is no GPU."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether the memory is such: never, there is no GPU."""
    return False


def _real(self: Tensor) -> Tensor:
    """The real part, as a view; of a real tensor, itself."""
    return _ops.packet("real")(self)


def _set_real(self: Tensor, value: Any) -> None:
    self.real[...] = value


def _set_imag(self: Tensor, value: Any) -> None:
    self.imag[...] = value


def _imag(self: Tensor) -> Tensor:
    """The imaginary part, as a view."""
    return _ops.packet("imag")(self)


def numpy(self: Tensor, *, force: bool = False) -> Any:
    """A NumPy array over the same memory. ``force`` detaches and copies where sharing is not possible."""
    import numpy as np

    t = _sparse_tensor.refuse_numpy(self)
    if self.requires_grad:
        if not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        t = self.detach()
    if t.device.type != "cpu":
        if not force:
            raise TypeError(f"can't convert {t.device} device type tensor to numpy. Use Tensor.cpu() to copy it first.")
        t = t.cpu()
    if t.dtype in (_core.bfloat16, _core.float8_e4m3fn, _core.float8_e5m2):
        name = t.dtype.name
        raise TypeError(f"Got unsupported ScalarType {name}: NumPy has no such dtype, convert with .float() first")
    return np.asarray(memoryview(t))


def __array_wrap__(self: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
    import tallow

    return tallow.from_numpy(array) if array.ndim else tallow.as_tensor(array)


def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    import numpy as np

    a = self.numpy()
    if dtype is not None and a.dtype != dtype:
        return a.astype(dtype)
    return np.array(a) if copy else a


def __dlpack__(
    self: Tensor,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A DLPack capsule over the tensor's memory, which lives as long as the capsule's consumer needs it."""
    from tallow._dlpack import to_capsule

    return to_capsule(self, stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)


def __dlpack_device__(self: Tensor) -> tuple[int, int]:
    from tallow._dlpack import device_of

    return device_of(self)


# ---------------------------------------------------------------- copying and pickling
def _rebuild(raw: Any, dtype: dtype, size: Any, stride: Any, offset: int, requires_grad: bool) -> Tensor:
    if isinstance(raw, Tensor):  # memory that the unpickler was given beside the pickle
        flat = raw.view(dtype)
    elif not (view := memoryview(raw)).nbytes:
        flat = _ops.packet("empty")(0, dtype=dtype)
    else:
        flat = _core._frombuffer(bytearray(raw) if view.readonly else raw, dtype, -1, 0)
    t = flat.as_strided(size, stride, offset)
    return t.requires_grad_() if requires_grad else t


def _rebuild_subclass(cls: type, t: Tensor, requires_grad: bool, state: dict[str, Any]) -> Tensor:
    out = _core._make_subclass(cls, t, requires_grad)
    out.__dict__.update(state)
    return out


def __reduce_ex__(self: Tensor, protocol: int) -> Any:
    import pickle

    if self.is_sparse:
        return _sparse_tensor.reduce(self)
    base = self.detach()
    if not base.is_contiguous():
        base = base.contiguous()
    raw: Any = b""
    if base.numel():
        raw = memoryview(base.reshape(-1).view(_core.uint8))
        raw = pickle.PickleBuffer(raw) if protocol >= 5 else bytes(raw)
    plain = type(self) is Tensor
    args = (raw, self.dtype, tuple(base.shape), base.stride(), 0, self.requires_grad and plain)
    if plain and not self.__dict__:
        return _rebuild, args
    t = _rebuild(*args[:-1], False)
    return _rebuild_subclass, (type(self), t, self.requires_grad, dict(self.__dict__))


def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    import copy

    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment."
        )
    out = self.detach().clone()
    if type(self) is not Tensor:
        out = _core._make_subclass(type(self), out)
    if self.requires_grad:
        out.requires_grad_()
    memo[id(self)] = out
    if self.grad is not None:
        out.grad = copy.deepcopy(self.grad, memo)
    if self.__dict__:
        out.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return out


# ---------------------------------------------------------------- Python protocols
def __contains__(self: Tensor, element: Any) -> bool:
    if isinstance(element, (Tensor, int, float, complex, bool)):
        return bool((self == element).any())
    raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")


def __format__(self: Tensor, spec: str) -> str:
    if self.ndim == 0 and not self.is_meta and type(self) is Tensor:
        return format(self.item(), spec)
    return object.__format__(self, spec)


def __reversed__(self: Tensor) -> Tensor:
    return self if self.ndim == 0 else self.flip(0)


def __complex__(self: Tensor) -> complex:
    return complex(self.item())


def _transposed(self: Tensor) -> Tensor:
    return self.permute(*range(self.ndim - 1, -1, -1))


def _matrix_transposed(self: Tensor) -> Tensor:
    if self.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return self.transpose(-2, -1)


def _adjoint(self: Tensor) -> Tensor:
    if self.ndim == 0:
        return self
    if self.ndim != 2:
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.")
    return self.transpose(0, 1).conj()


def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Sets whether gradients flow to this leaf, and returns it. Needs tallow-autograd when set to True."""
    if not requires_grad and not self.requires_grad:
        return self
    _load_autograd()
    return self.requires_grad_(requires_grad)


def _load_autograd() -> None:
    try:
        import tallow.autograd  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "tallow.autograd":
            raise
        raise RuntimeError("gradients need the package tallow-autograd: pip install tallow-autograd") from None


def backward(self: Tensor, *args: Any, **kwargs: Any) -> None:
    """Computes the gradients of the leaves of this tensor's graph."""
    _load_autograd()
    self.backward(*args, **kwargs)


def _door(name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        _load_autograd()
        return getattr(self, name)(*args, **kwargs)

    method.__name__ = name
    return method


def _get_grad(self: Tensor) -> None:
    return None


def _set_grad(self: Tensor, value: Any) -> None:
    if value is not None:
        _load_autograd()
        self.grad = value


def is_shared(self: Tensor) -> bool:
    """Whether the memory is shared between processes."""
    from tallow.multiprocessing import reductions

    return reductions.is_shared(self)


def share_memory_(self: Tensor) -> Tensor:
    """Moves this tensor to memory that processes share; see :mod:`tallow.multiprocessing`."""
    from tallow.multiprocessing import reductions

    return reductions.share_memory_(self)


def apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replaces each element by ``callable(element)``. Slow: for quick checks, not for training."""
    flat = [callable(v) for v in self.reshape(-1).tolist()]
    self.copy_(_core._tensor_from_data(flat, None).reshape(self.shape))
    return self


def new_tensor(
    self: Tensor, data: Any, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A new tensor from data, with this tensor's dtype and device unless given."""
    from tallow._creation import _from_object, _place

    t, shared = _from_object(data, dtype or self.dtype)
    t = _place(t, dtype or self.dtype, device or self.device, shared)
    return t.requires_grad_() if requires_grad else t


def nonzero(self: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not zero: a (n, ndim) tensor, or a tuple of ndim index tensors."""
    if as_tuple:
        return tuple(_ops.packet("nonzero_numpy")(self))
    op = _ops.packet("nonzero")
    return op(self) if out is None else op(self, out=out)


def where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """This tensor's elements where ``condition`` holds, those of ``other`` elsewhere."""
    return _ops.packet("where")(condition, self, other)


def stft(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """:func:`tallow.stft` of this tensor."""
    from tallow import _spectral

    return _spectral.stft(self, *args, **kwargs)


def istft(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """:func:`tallow.istft` of this tensor."""
    from tallow import _spectral

    return _spectral.istft(self, *args, **kwargs)


def untyped_storage(self: Tensor) -> Any:
    """The bytes that this tensor and its views lie in, see :class:`tallow.storage.UntypedStorage`."""
    from tallow.storage import UntypedStorage

    return UntypedStorage(self)


def storage(self: Tensor) -> Any:
    """The same memory as elements, see :class:`tallow.storage.TypedStorage`."""
    from tallow.storage import TypedStorage

    return TypedStorage(self)


def map_(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Writes ``callable(a, b)`` of each pair of elements, a slow way of computing; on the CPU only."""
    other = tensor.expand_as(self)
    flat = [callable(a, b) for a, b in zip(self.flatten().tolist(), other.flatten().tolist(), strict=True)]
    self.copy_(self.new_tensor(flat).reshape(self.shape))
    return self


def is_signed(self: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return self.dtype.is_signed


def install(tensor: Any) -> None:
    """Puts the methods on Tensor."""
    for name, d in _DTYPE_METHODS.items():
        setattr(tensor, name, _cast_method(name, d))
    here = globals()
    for name in (
        "to", "cpu", "numpy", "__array__", "__array_wrap__", "__dlpack__", "__dlpack_device__", "__reduce_ex__",
        "__deepcopy__", "__contains__", "__format__", "__reversed__", "__complex__", "requires_grad_", "backward",
        "is_shared", "share_memory_",
        "apply_", "as_subclass", "new_tensor", "nonzero", "where", "cuda", "get_device", "is_nonzero", "new",
        "pin_memory", "is_pinned", "stft", "istft", "untyped_storage", "storage", "map_", "is_signed", "_is_view",
    ):  # fmt: skip
        setattr(tensor, name, here[name])
    tensor.__rdiv__, tensor.__div__, tensor.__idiv__ = tensor.__rtruediv__, tensor.__truediv__, tensor.__itruediv__
    tensor.__nonzero__, tensor.__long__ = tensor.__bool__, tensor.__int__
    tensor.type = type_
    tensor.__array_priority__ = 1000
    tensor.T = property(_transposed)
    tensor.real = property(_real, _set_real)
    tensor.imag = property(_imag, _set_imag)
    tensor.mT = property(_matrix_transposed)
    tensor.mH = property(lambda self: _matrix_transposed(self).conj())
    tensor.H = property(_adjoint)
    tensor.__module__ = "tallow"
    for kind in ("ipu", "maia", "mps", "mtia", "vulkan", "xla", "xpu"):
        setattr(tensor, f"is_{kind}", False)  # devices of torch that this build does not serve
    tensor.is_leaf = True
    tensor.grad_fn = None
    tensor.output_nr = 0
    tensor.retains_grad = False
    tensor.names = property(lambda self: (None,) * self.ndim)
    tensor.grad = property(_get_grad, _set_grad)
    tensor.requires_grad_ = requires_grad_
    for name in ("register_hook", "register_post_accumulate_grad_hook", "retain_grad"):
        setattr(tensor, name, _door(name))
    tensor.detach_ = _detach_
    tensor.split = _split
    tensor.lu = _lu


def _detach_(self: Tensor) -> Tensor:
    """Takes the tensor out of the graph, in place. Without a graph there is nothing to do."""
    return self


def _lu(self: Tensor, pivot: bool = True, get_infos: bool = False) -> Any:
    """LU factors: :func:`tallow.lu`."""
    from tallow._lowrank import lu

    return lu(self, pivot, get_infos)


def _split(self: Tensor, split_size: Any, dim: int = 0) -> Any:
    """Pieces of ``split_size`` (or of the listed sizes) along ``dim``, as views."""
    return _ops.packet("split")(self, split_size, dim)
