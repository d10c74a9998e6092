"""Read torch's zip checkpoints (``.pt``, ``.pth``): tensors and plain containers, nothing else, no code run.

Layout: ``<name>/data.pkl`` describes the object, ``<name>/data/<key>`` hold the storages, ``<name>/byteorder`` says
``little`` or ``big``.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any, NamedTuple

from .restricted_pickle import Global, Interpreter, Rules, check_key, refuse
from .safe_globals import allowed, is_instance_of_allowed
from .source import Source
from .tensors import (
    ITEM_SIZES,
    StorageReader,
    check_bools,
    check_bounds,
    check_ints,
    element_count,
    find_dtype,
    finish,
    view_storage,
)
from .zip_container import Member, check_crc, read_member

STORAGES = {
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "uint8",
}


def find_archive(members: dict[str, Member]) -> str | None:
    """The folder inside the zip that makes it a torch checkpoint, or None."""
    for name in members:
        folder, slash, file = name.partition("/")
        if slash and file == "data.pkl":
            return folder
    return None


def load_file(source: Source, members: dict[str, Member], folder: str, map_location: Any) -> Any:
    if f"{folder}/constants.pkl" in members:
        raise RuntimeError(f"{source.name}: this is a TorchScript archive; only checkpoints of torch.save are read")
    order = members.get(f"{folder}/byteorder")
    if order is not None:
        text = read_member(source, f"{folder}/byteorder", order)
        if text != b"little":
            raise RuntimeError(f"{source.name}: the checkpoint has byte order {text!r:.20}; only b'little' is read")
    name = f"{folder}/data.pkl"
    rules = _ZipRules(source, members, folder, map_location)
    return Interpreter(source, read_member(source, name, members[name]), rules).run()


class Storage:
    """A storage of the file: its flat uint8 tensor, its bytes on the host, and the dtype it was saved with."""

    def __init__(self, flat: Any, data: memoryview, dtype: str) -> None:
        self.flat = flat
        self.data = data
        self.dtype = dtype


class StorageKey(NamedTuple):
    """A reference to a storage, its parts checked for what they are and not yet for what they say."""

    dtype: str
    name: str
    location: str
    elements: int

    @property
    def nbytes(self) -> int:
        return self.elements * ITEM_SIZES[self.dtype]


class TorchRules(Rules):
    """What the names in a checkpoint of torch mean; where its storages lie is the format's to say."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def storage(self, key: StorageKey) -> tuple[Any, memoryview]:
        """The storage as a flat uint8 tensor in its final place, and its bytes on the host."""
        raise NotImplementedError

    # -- what globals mean --

    def resolve(self, symbol: Global) -> Any:
        if symbol.module == "torch" and symbol.name in ITEM_SIZES:
            return find_dtype(self._source, symbol.name, "the pickle")
        if symbol in _CALLS or symbol in _INERT or _storage_dtype(symbol):
            return symbol
        if allowed(str(symbol)) is not None:
            return symbol
        raise refuse(self._source, symbol)

    def call(self, symbol: Global, arguments: tuple[Any, ...]) -> Any:
        handler = _CALLS.get(symbol)
        if handler is None:
            listed = allowed(str(symbol))
            if listed is None:
                raise refuse(self._source, symbol)
            return listed(*arguments)
        low, high, function = handler
        if not low <= len(arguments) <= high:
            raise self._source.fail(f"the pickle calls {symbol} with {len(arguments)} arguments")
        return function(self, *arguments)

    def new(self, symbol: Global, arguments: tuple[Any, ...]) -> Any:
        kind = allowed(str(symbol))
        if not isinstance(kind, type):
            raise refuse(self._source, symbol)
        return kind.__new__(kind, *arguments)

    def build(self, value: Any, state: Any) -> None:
        if is_instance_of_allowed(value):
            set_state = getattr(value, "__setstate__", None)
            if set_state is not None:
                set_state(state)
            elif type(state) is dict:
                vars(value).update(state)
            else:
                raise self._source.fail(f"the pickle sets the state of a {type(value).__name__} by no dict")
            return
        # nn.Module.state_dict() hangs version numbers on its OrderedDict; nothing else may set attributes.
        if type(value) is not OrderedDict or type(state) is not dict or set(state) != {"_metadata"}:
            raise self._source.fail(f"the pickle sets the state of a {type(value).__name__}")
        vars(value)["_metadata"] = state["_metadata"]

    def persistent(self, key: Any) -> Any:
        if type(key) is not tuple or len(key) not in (5, 6) or key[0] != "storage":
            raise self._source.fail("the pickle refers to something that is not a storage")
        _, kind, name, location, count = key[:5]
        dtype = _storage_dtype(kind) if type(kind) is Global else None
        if dtype is None or type(name) is not str or type(location) is not str or type(count) is not int or count < 0:
            raise self._source.fail("the pickle has an invalid reference to a storage")
        return self.referenced(StorageKey(dtype, name, location, count), key[5] if len(key) == 6 else None)

    def referenced(self, key: StorageKey, view: Any) -> Any:
        whole = Storage(*self.storage(key), key.dtype)
        return whole if view is None else self._part(whole, view)

    def _part(self, whole: Storage, view: Any) -> Storage:
        """Storages of the oldest files may be pieces of others: (key, first element, number of elements)."""
        if type(view) is not tuple or len(view) != 3 or any(type(n) is not int or n < 0 for n in view[1:]):
            raise self._source.fail("the pickle has an invalid view of a storage")
        size = ITEM_SIZES[whole.dtype]
        begin, end = view[1] * size, (view[1] + view[2]) * size
        if end > len(whole.data):
            raise self._source.fail(f"a view of a storage ends at byte {end}, the storage has {len(whole.data)}")
        return Storage(whole.flat[begin:end], whole.data[begin:end], whole.dtype)

    # -- the calls --

    def _tensor(
        self,
        storage: Any,
        offset: Any,
        size: Any,
        stride: Any,
        requires_grad: Any = False,
        hooks: Any = None,
        metadata: Any = None,
    ) -> Any:
        if type(storage) is not Storage:
            raise self._source.fail("the pickle builds a tensor on something that is not a storage")
        return self._view(storage, storage.dtype, offset, size, stride, requires_grad, metadata)

    def _tensor_with_dtype(
        self,
        storage: Any,
        offset: Any,
        size: Any,
        stride: Any,
        requires_grad: Any,
        hooks: Any,
        dtype: Any,
        metadata: Any = None,
    ) -> Any:
        if type(storage) is not Storage:
            raise self._source.fail("the pickle builds a tensor on something that is not a storage")
        return self._view(storage, self._dtype_name(dtype), offset, size, stride, requires_grad, metadata)

    def _view(
        self, storage: Storage, name: str, offset: Any, size: Any, stride: Any, requires_grad: Any, metadata: Any
    ) -> Any:
        source, what = self._source, "a tensor"
        shape = check_ints(source, size, f"{what}'s shape")
        steps = check_ints(source, stride, f"{what}'s stride")
        dtype = find_dtype(source, name, what)
        begin, end = check_bounds(source, shape, steps, offset, ITEM_SIZES[name], len(storage.data), what)
        if name == "bool":
            check_bools(source, storage.data[begin:end], what)
        tensor = view_storage(storage.flat, dtype, shape, steps, offset)
        tensor = self._apply_metadata(tensor, metadata)
        return finish(tensor, requires_grad=self._flag(requires_grad), parameter=False)

    def _apply_metadata(self, tensor: Any, metadata: Any) -> Any:
        """torch keeps lazy conjugation and negation as flags beside the tensor."""
        if metadata is None:
            return tensor
        if type(metadata) is not dict or not set(metadata) <= {"conj", "neg"}:
            raise self._source.fail("the pickle has a tensor with unknown metadata")
        if metadata.get("conj"):
            tensor = tensor.conj()
        return tensor.neg() if metadata.get("neg") else tensor

    def _meta_tensor(self, dtype: Any, size: Any, stride: Any, requires_grad: Any) -> Any:
        import tallow

        name = self._dtype_name(dtype)
        shape = check_ints(self._source, size, "a meta tensor's shape")
        steps = check_ints(self._source, stride, "a meta tensor's stride")
        element_count(self._source, shape, ITEM_SIZES[name], "a meta tensor")
        if len(steps) != len(shape):
            raise self._source.fail(f"a meta tensor has {len(shape)} sizes but {len(steps)} strides")
        tensor = tallow.empty_strided(tuple(shape), tuple(steps), dtype=dtype, device="meta")
        return finish(tensor, requires_grad=self._flag(requires_grad), parameter=False)

    def _sparse(self, layout: Any, data: Any) -> Any:
        import tallow

        if layout is not tallow.sparse_coo or type(data) is not tuple or len(data) not in (3, 4):
            raise self._source.fail("the pickle builds an invalid sparse tensor")
        indices, values, size, *coalesced = data
        if any(type(part) is not tallow.Tensor or part.is_sparse or part.is_meta for part in (indices, values)):
            raise self._source.fail("the pickle makes a sparse tensor of parts that are not tensors")
        shape = check_ints(self._source, size, "a sparse tensor's shape")
        element_count(self._source, shape, 1, "a sparse tensor")
        # The flag is believed only where it is true: what sorts and sums elements relies on it.
        try:
            tensor = tallow.sparse_coo_tensor(
                indices, values, shape, is_coalesced=coalesced == [True], check_invariants=True
            )
        except RuntimeError as error:
            raise self._source.fail(f"the pickle has an invalid sparse tensor: {error}") from None
        return tensor

    def _parameter(self, data: Any, requires_grad: Any, hooks: Any, state: Any = None) -> Any:
        import tallow

        if not isinstance(data, tallow.Tensor):
            raise self._source.fail("the pickle makes a Parameter of something that is not a tensor")
        return finish(data, requires_grad=self._flag(requires_grad), parameter=True)

    def _from_type(self, function: Any, kind: Any, arguments: Any, state: Any) -> Any:
        """A tensor that had Python attributes; they are dropped, the tensor is kept."""
        if kind not in (_TENSOR, _PARAMETER) or type(function) is not Global or type(arguments) is not tuple:
            raise self._source.fail("the pickle has a tensor of an unknown class")
        if function == Global("torch._tensor", "_rebuild_from_type_v2"):
            raise self._source.fail("the pickle nests a tensor in itself")
        return self.call(function, arguments)

    def _size(self, values: Any) -> Any:
        import tallow

        return tallow.Size(check_ints(self._source, values, "a torch.Size"))

    def _device(self, kind: Any, index: Any = None) -> Any:
        import tallow

        from .structure import DEVICE

        text = kind if index is None else f"{kind}:{index}"
        if type(text) is not str or not DEVICE.fullmatch(text):
            raise self._source.fail(f"the pickle has an invalid device {text!r:.60}")
        return tallow.device(text)

    def _ordered_dict(self, items: Any = ()) -> Any:
        if type(items) not in (list, tuple):
            raise self._source.fail("the pickle has an invalid OrderedDict")
        result: OrderedDict[Any, Any] = OrderedDict()
        for pair in items:
            if type(pair) not in (list, tuple) or len(pair) != 2:
                raise self._source.fail("the pickle has an invalid OrderedDict")
            result[check_key(self._source, pair[0])] = pair[1]
        return result

    def _elements(self, items: Any) -> list[Any]:
        if type(items) is not list:
            raise self._source.fail("the pickle has an invalid set")
        return [check_key(self._source, item) for item in items]

    def _set(self, items: Any = None) -> Any:
        return set() if items is None else set(self._elements(items))

    def _frozenset(self, items: Any = None) -> Any:
        return frozenset() if items is None else frozenset(self._elements(items))

    def _complex(self, real: Any, imag: Any) -> complex:
        if type(real) is not float or type(imag) is not float:
            raise self._source.fail("the pickle has an invalid complex number")
        return complex(real, imag)

    def _slice(self, *parts: Any) -> slice:
        if any(part is not None and type(part) is not int for part in parts):
            raise self._source.fail("the pickle has an invalid slice")
        return slice(*parts)

    def _bytes(self, text: Any, encoding: Any) -> bytes:
        """Protocol 2 has no bytes: it spells them as text to be encoded."""
        if type(text) is not str or encoding not in ("latin1", "latin-1") or (text and max(text) > "\xff"):
            raise self._source.fail("the pickle has invalid bytes")
        return text.encode("latin-1")

    def _empty_bytes(self) -> bytes:
        return b""

    def _bytearray(self, data: Any, encoding: Any = "latin-1") -> bytearray:
        return bytearray(data) if type(data) is bytes else bytearray(self._bytes(data, encoding))

    def _counter(self, counts: Any = None) -> Any:
        if counts is not None and type(counts) is not dict:
            raise self._source.fail("the pickle has an invalid Counter")
        return Counter(counts)

    def _layout(self, name: Any) -> Any:
        import tallow

        if name not in ("torch.strided", "torch.sparse_coo"):
            raise self._source.fail(
                f"the pickle has the layout {name!r:.60}; only torch.strided and torch.sparse_coo are read"
            )
        return tallow.sparse_coo if name == "torch.sparse_coo" else tallow.strided

    # -- small checks --

    def _flag(self, value: Any) -> bool:
        if type(value) is not bool:
            raise self._source.fail("the pickle has a requires_grad that is neither True nor False")
        return value

    def _dtype_name(self, dtype: Any) -> str:
        import tallow

        from .tensors import dtype_name

        if not isinstance(dtype, tallow.dtype):
            raise self._source.fail("the pickle has something that is not a dtype where a dtype belongs")
        return dtype_name(dtype)


def _storage_dtype(symbol: Global) -> str | None:
    return STORAGES.get(symbol.name) if symbol.module in ("torch", "torch.cuda", "torch.storage") else None


_TENSOR = Global("torch", "Tensor")
_PARAMETER = Global("torch.nn.parameter", "Parameter")
_INERT = {_TENSOR, _PARAMETER}
# Global -> (fewest arguments, most, method). Both spellings of the builtins: protocol 2 writes Python 2's module.
_CALLS: dict[Global, tuple[int, int, Any]] = {
    Global("torch._utils", "_rebuild_tensor"): (4, 4, TorchRules._tensor),
    Global("torch._utils", "_rebuild_tensor_v2"): (5, 7, TorchRules._tensor),
    Global("torch._utils", "_rebuild_tensor_v3"): (7, 8, TorchRules._tensor_with_dtype),
    Global("torch._utils", "_rebuild_sparse_tensor"): (2, 2, TorchRules._sparse),
    Global("torch._utils", "_rebuild_meta_tensor_no_storage"): (4, 4, TorchRules._meta_tensor),
    Global("torch._utils", "_rebuild_parameter"): (3, 3, TorchRules._parameter),
    Global("torch._utils", "_rebuild_parameter_with_state"): (4, 4, TorchRules._parameter),
    Global("torch._tensor", "_rebuild_from_type_v2"): (4, 4, TorchRules._from_type),
    Global("torch", "Size"): (1, 1, TorchRules._size),
    Global("torch", "device"): (1, 2, TorchRules._device),
    Global("collections", "OrderedDict"): (0, 1, TorchRules._ordered_dict),
    Global("collections", "Counter"): (0, 1, TorchRules._counter),
    Global("torch.serialization", "_get_layout"): (1, 1, TorchRules._layout),
    Global("_codecs", "encode"): (2, 2, TorchRules._bytes),
}
for _module in ("builtins", "__builtin__"):
    _CALLS[Global(_module, "set")] = (0, 1, TorchRules._set)
    _CALLS[Global(_module, "frozenset")] = (0, 1, TorchRules._frozenset)
    _CALLS[Global(_module, "complex")] = (2, 2, TorchRules._complex)
    _CALLS[Global(_module, "slice")] = (3, 3, TorchRules._slice)
    _CALLS[Global(_module, "bytearray")] = (1, 2, TorchRules._bytearray)
    _CALLS[Global(_module, "bytes")] = (0, 0, TorchRules._empty_bytes)


class _ZipRules(TorchRules):
    """Storages are members of the archive."""

    def __init__(self, source: Source, members: dict[str, Member], folder: str, map_location: Any) -> None:
        super().__init__(source)
        self._members = members
        self._folder = folder
        self._reader = StorageReader(source, map_location)
        self._storages: dict[str, tuple[Any, memoryview]] = {}

    def storage(self, key: StorageKey) -> tuple[Any, memoryview]:
        path = f"{self._folder}/data/{key.name}"
        member = self._members.get(path)
        if member is None:
            raise self._source.fail(f"the archive has no member {path!r:.80}")
        if key.nbytes != member.size:
            raise self._source.fail(
                f"member {path!r:.80} has {member.size} bytes, {key.elements} elements of {key.dtype} were announced"
            )
        if key.name not in self._storages:
            # torch aligns storages to 64 bytes, so that any dtype can be mapped in place.
            flat, data, crc = self._reader.read(member.offset, member.size, key.location, path, ITEM_SIZES[key.dtype])
            if self._source.map is None:
                check_crc(self._source, path, member, crc)
            self._storages[key.name] = (flat, data)
        return self._storages[key.name]
