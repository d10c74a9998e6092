"""Write torch's zip checkpoints: what ``torch.load(path)`` reads with its default, ``weights_only=True``.

The pickle is written opcode by opcode (protocol 2, CPython's ``pickletools`` describes it), so that the names it needs,
``torch._utils._rebuild_tensor_v2`` and its like, need not exist here, and so that nothing but data can get into it.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import Any

from .structure import MAX_DEPTH, check_key, hint, type_name
from .tensors import ITEM_SIZES, dtype_name, host_tensor, is_parameter, storage_bytes
from .torch_format import STORAGES

FOLDER = "archive"
_STORAGE_OF = {dtype: name for name, dtype in STORAGES.items() if name != "UntypedStorage"}
_INT32 = 1 << 31


def save_members(obj: Any) -> list[tuple[str, list[Any]]]:
    """The members of the archive. Everything that can be refused is refused here, before a file is touched."""
    pickler = _Pickler()
    text = pickler.dump(obj)
    return [
        (f"{FOLDER}/data.pkl", [text]),
        (f"{FOLDER}/byteorder", [b"little"]),
        *((f"{FOLDER}/data/{key}", [data]) for key, data in enumerate(pickler.data)),
        (f"{FOLDER}/version", [b"3\n"]),
    ]


class _Pickler:
    """Emits one object; ``data`` are the bytes of the storages it refers to, by key."""

    def __init__(self) -> None:
        import tallow

        self._tallow = tallow
        self._out: list[bytes] = []
        self._memo: dict[Any, int] = {}
        self._alive: list[Any] = []  # keeps ids valid
        self._open: set[int] = set()
        self._storages: dict[tuple[str, int], tuple[int, str, int]] = {}
        self.data: list[memoryview] = []

    def dump(self, obj: Any) -> bytes:
        self._write(b"\x80\x02")
        self._value(obj, "obj", 0)
        self._write(b".")
        return b"".join(self._out)

    # -- opcodes --

    def _write(self, *pieces: bytes) -> None:
        self._out.extend(pieces)

    def _remember(self, key: Any, value: Any = None) -> None:
        index = self._memo[key] = len(self._memo)
        self._alive.append(value)
        self._write(b"q" + bytes([index]) if index < 256 else b"r" + struct.pack("<I", index))

    def _recall(self, key: Any) -> bool:
        index = self._memo.get(key)
        if index is not None:
            self._write(b"h" + bytes([index]) if index < 256 else b"j" + struct.pack("<I", index))
        return index is not None

    def _global(self, module: str, name: str) -> None:
        if not self._recall((module, name)):
            self._write(f"c{module}\n{name}\n".encode("ascii"))
            self._remember((module, name))

    def _tuple(self, count: int) -> None:
        self._write(b"\x85" if count == 1 else b"\x86" if count == 2 else b"\x87")

    def _ints(self, values: Any) -> None:
        """A tuple of integers, as shapes and strides are."""
        if len(values) > 3:
            self._write(b"(")
        for value in values:
            self._int(value)
        if not values:
            self._write(b")")
        elif len(values) > 3:
            self._write(b"t")
        else:
            self._tuple(len(values))

    def _empty_ordered_dict(self) -> None:
        self._global("collections", "OrderedDict")
        self._write(b")R")

    # -- values --

    def _value(self, value: Any, path: str, depth: int) -> None:
        kind = type(value)
        scalar = _SCALARS.get(kind)
        tallow = self._tallow
        if scalar is not None:
            scalar(self, value)
        elif isinstance(value, tallow.Tensor):
            self._tensor(value, path)
        elif kind is tallow.Size:
            self._global("torch", "Size")
            self._ints(tuple(value))
            self._write(b"\x85R")
        elif kind is tallow.dtype:
            self._global("torch", dtype_name(value))
        elif kind is tallow.device:
            self._global("torch", "device")
            self._text(value.type)
            if value.index is None:
                self._write(b"\x85R")
            else:
                self._int(value.index)
                self._write(b"\x86R")
        elif kind is slice:
            self._slice(value, path)
        elif kind in _CONTAINERS:
            self._container(value, kind, path, depth)
        else:
            raise TypeError(f"{path}: cannot save type {type_name(kind)}{hint(value)}")

    def _int(self, value: int) -> None:
        if 0 <= value < 256:
            self._write(b"K" + bytes([value]))
        elif 0 <= value < 1 << 16:
            self._write(b"M" + struct.pack("<H", value))
        elif -_INT32 <= value < _INT32:
            self._write(b"J" + struct.pack("<i", value))
        else:
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            head = b"\x8a" + bytes([len(data)]) if len(data) < 256 else b"\x8b" + struct.pack("<i", len(data))
            self._write(head, data)

    def _float(self, value: float) -> None:
        self._write(b"G" + struct.pack(">d", value))

    def _text(self, value: str) -> None:
        if not self._recall(("text", value)):
            data = value.encode("utf-8", "surrogatepass")
            self._write(b"X" + struct.pack("<I", len(data)), data)
            self._remember(("text", value))

    def _bytes(self, value: bytes) -> None:
        """Protocol 2 has no bytes: they are spelled as text to be encoded."""
        self._global("_codecs", "encode")
        self._text(value.decode("latin-1"))
        self._text("latin1")
        self._write(b"\x86R")

    def _complex(self, value: complex) -> None:
        self._global("__builtin__", "complex")
        self._float(value.real)
        self._float(value.imag)
        self._write(b"\x86R")

    def _slice(self, value: slice, path: str) -> None:
        parts = (value.start, value.stop, value.step)
        if any(part is not None and type(part) is not int for part in parts):
            raise TypeError(f"{path}: cannot save a slice whose parts are not int or None: {value!r:.80}")
        self._global("__builtin__", "slice")
        for part in parts:
            self._value(part, path, 0)
        self._write(b"\x87R")

    # -- containers --

    def _container(self, value: Any, kind: type, path: str, depth: int) -> None:
        if kind is tuple and not value:
            self._write(b")")
            return
        key = id(value)
        if key in self._open:
            raise ValueError(f"{path}: cannot save a container that contains itself")
        if self._recall(key):
            return
        if depth >= MAX_DEPTH:
            raise ValueError(f"{path[:60]}...: cannot save containers nested more than {MAX_DEPTH} deep")
        self._open.add(key)
        if kind is tuple:
            self._items(value, path, depth)
            self._remember(key, value)
        elif kind is list:
            self._write(b"]")
            self._remember(key, value)
            self._items(value, path, depth, end=b"e")
        elif kind in (set, frozenset):
            self._set(value, kind, path)
            self._remember(key, value)
        else:
            self._dict(value, kind, path, depth)
        self._open.discard(key)

    def _items(self, values: Any, path: str, depth: int, end: bytes = b"t") -> None:
        self._write(b"(")
        for i, item in enumerate(values):
            self._value(item, f"{path}[{i}]", depth + 1)
        self._write(end)

    def _set(self, values: Any, kind: type, path: str) -> None:
        self._global("__builtin__", kind.__name__)
        self._write(b"](")
        for item in values:
            check_key(item, path, "a set element")
            self._value(item, path, 0)
        self._write(b"e\x85R")

    def _dict(self, value: Any, kind: type, path: str, depth: int) -> None:
        if kind is OrderedDict:
            self._empty_ordered_dict()
        else:
            self._write(b"}")
        self._remember(id(value), value)
        self._write(b"(")
        for key, item in value.items():
            check_key(key, path, "a key")
            self._value(key, path, 0)
            self._value(item, f"{path}[{key!r}]", depth + 1)
        self._write(b"u")
        attributes = vars(value) if kind is OrderedDict else None
        if attributes:
            # nn.Module.state_dict() hangs version numbers on its OrderedDict; load_state_dict() reads them.
            if set(attributes) != {"_metadata"}:
                raise TypeError(f"{path}: cannot save an OrderedDict with attributes {sorted(attributes)}")
            self._write(b"}")
            self._text("_metadata")
            self._value(attributes["_metadata"], f"{path}._metadata", depth + 1)
            self._write(b"sb")

    # -- tensors --

    def _tensor(self, tensor: Any, path: str) -> None:
        if self._recall(id(tensor)):
            return
        parameter = is_parameter(tensor)
        if type(tensor) is not self._tallow.Tensor and not parameter:
            raise TypeError(f"{path}: cannot save tensor subclass {type_name(type(tensor))}")
        dtype = dtype_name(tensor.dtype)
        if dtype not in ITEM_SIZES:
            raise TypeError(f"{path}: cannot save a tensor of dtype {tensor.dtype}")
        if parameter:
            self._global("torch._utils", "_rebuild_parameter")
        requires_grad = tensor.requires_grad
        if tensor.is_sparse:
            self._sparse(tensor, path)
        elif tensor.device.type == "meta":
            self._meta(tensor, dtype, requires_grad and not parameter)
        else:
            self._strided(tensor, dtype, requires_grad and not parameter, path)
        if parameter:
            self._write(b"\x88" if requires_grad else b"\x89")
            self._empty_ordered_dict()
            self._write(b"\x87R")
        self._remember(id(tensor), tensor)

    def _strided(self, tensor: Any, dtype: str, requires_grad: bool, path: str) -> None:
        kind = _STORAGE_OF.get(dtype)  # dtypes younger than torch's typed storages have an untyped one and a name
        self._global("torch._utils", "_rebuild_tensor_v2" if kind else "_rebuild_tensor_v3")
        self._write(b"(")
        self._storage(tensor, dtype, kind, path)
        self._int(tensor.storage_offset())
        self._ints(tuple(tensor.shape))
        self._ints(tensor.stride())
        self._write(b"\x88" if requires_grad else b"\x89")
        self._empty_ordered_dict()  # backward hooks, which are never saved
        if kind is None:
            self._global("torch", dtype)
        self._write(b"tR")

    def _storage(self, tensor: Any, dtype: str, kind: str | None, path: str) -> None:
        location = str(tensor.device)
        identity = (location, tensor._storage_id())
        if identity not in self._storages:
            host = host_tensor(tensor)
            data = storage_bytes(host)
            self._alive.append(host)
            whole = len(data) // ITEM_SIZES[dtype] * ITEM_SIZES[dtype]  # a typed storage is whole elements
            self._storages[identity] = (len(self.data), dtype, whole)
            self.data.append(data[:whole])
        key, first, nbytes = self._storages[identity]
        if first != dtype:
            raise RuntimeError(
                f"{path}: Cannot save multiple tensors or storages that view the same data as different types: it is "
                f"{first} elsewhere and {dtype} here. clone() one of them, or save with format='tallow'"
            )
        self._write(b"(")
        self._text("storage")
        self._global(*(("torch", kind) if kind else ("torch.storage", "UntypedStorage")))
        self._text(str(key))
        self._text(location)
        self._int(nbytes // ITEM_SIZES[dtype] if kind else nbytes)
        self._write(b"tQ")

    def _sparse(self, tensor: Any, path: str) -> None:
        """(layout, (indices, values, size, coalesced)). torch keeps no requires_grad of sparse tensors, nor do we."""
        self._global("torch._utils", "_rebuild_sparse_tensor")
        self._global("torch.serialization", "_get_layout")
        self._text("torch.sparse_coo")
        self._write(b"\x85R(")
        self._tensor(tensor._indices(), path)
        self._tensor(tensor._values(), path)
        self._global("torch", "Size")
        self._ints(tuple(tensor.shape))
        self._write(b"\x85R", b"\x88" if tensor.is_coalesced() else b"\x89", b"t\x86R")

    def _meta(self, tensor: Any, dtype: str, requires_grad: bool) -> None:
        self._global("torch._utils", "_rebuild_meta_tensor_no_storage")
        self._write(b"(")
        self._global("torch", dtype)
        self._ints(tuple(tensor.shape))
        self._ints(tensor.stride())
        self._write(b"\x88" if requires_grad else b"\x89", b"tR")


_CONTAINERS = (dict, list, tuple, OrderedDict, set, frozenset)
_SCALARS: dict[type, Any] = {
    type(None): lambda self, value: self._write(b"N"),
    bool: lambda self, value: self._write(b"\x88" if value else b"\x89"),
    int: _Pickler._int,
    float: _Pickler._float,
    str: _Pickler._text,
    bytes: _Pickler._bytes,
    complex: _Pickler._complex,
}
