"""The safetensors layout: an 8-byte little-endian header length, a JSON header, then the data without holes.

The header maps names to ``{"dtype", "shape", "data_offsets"}``; ``__metadata__`` maps strings to strings. Offsets
count from the end of the header; the entries must cover the data exactly.
https://huggingface.co/docs/safetensors/index#format
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import strict_json
from .source import Source
from .tensors import (
    ITEM_SIZES,
    StorageReader,
    check_bools,
    check_ints,
    contiguous_strides,
    dtype_name,
    element_count,
    find_dtype,
    storage_bytes,
    view_storage,
)

MAX_HEADER = 100_000_000  # the limit of the reference implementation
_HEADER_ALIGNMENT = 64
CODES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "int16": "I16",
    "uint16": "U16",
    "int32": "I32",
    "uint32": "U32",
    "int64": "I64",
    "uint64": "U64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
    "complex64": "C64",
}
_NAMES = {code: name for name, code in CODES.items()}
# In the format, but narrower than a byte or without a dtype here.
_OTHER_CODES = {"F4", "F6_E2M3", "F6_E3M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"}


class Entry(NamedTuple):
    name: str
    dtype: str
    shape: list[int]
    begin: int
    end: int


class Block(NamedTuple):
    """One tensor to write, and what its bytes should be aligned to for mapping them."""

    name: str
    dtype: str
    shape: list[int]
    data: Any
    alignment: int


def encode(blocks: list[Block], metadata: dict[str, str] | None = None) -> list[Any]:
    """The chunks of a safetensors file.

    The format allows no padding, so order gives alignment: blocks of whole cache lines first, then by item size.
    """

    def rank(block: Block) -> tuple[bool, int]:
        return len(block.data) % 64 != 0, -(block.alignment if len(block.data) % block.alignment == 0 else 1)

    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    ordered = sorted(blocks, key=rank)
    offsets = {}
    position = 0
    for block in ordered:
        offsets[block.name] = [position, position + len(block.data)]
        position += len(block.data)
    for block in blocks:  # the header keeps the caller's order
        header[block.name] = {
            "dtype": CODES[block.dtype],
            "shape": block.shape,
            "data_offsets": offsets[block.name],
        }
    text = strict_json.dump(header)
    if len(text) > MAX_HEADER:
        raise ValueError(f"cannot save: the safetensors header takes {len(text)} bytes, at most {MAX_HEADER} may be")
    text += b" " * (-(8 + len(text)) % _HEADER_ALIGNMENT)
    return [len(text).to_bytes(8, "little") + text, *(block.data for block in ordered)]


def decode_header(source: Source, start: int, size: int, what: str) -> tuple[list[Entry], int]:
    """The entries of the safetensors data at ``start`` in header order, and where their data begins."""
    length = int.from_bytes(source.read(start, 8, what) if size >= 8 else b"", "little")
    if size < 8 or length > size - 8:
        raise source.fail(f"{what}: the header claims {length} bytes, {max(size - 8, 0)} follow")
    if length > MAX_HEADER:
        raise source.fail(f"{what}: the header claims {length} bytes, at most {MAX_HEADER} are read")
    header = strict_json.parse(source, source.read(start + 8, length, what), f"{what} header")
    if not isinstance(header, dict):
        raise source.fail(f"{what}: the header is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise source.fail(f"{what}: __metadata__ does not map strings to strings")
    entries = [_entry(source, name, fields, what) for name, fields in header.items()]
    _check_cover(source, entries, size - 8 - length, what)
    return entries, start + 8 + length


def _entry(source: Source, name: str, fields: Any, what: str) -> Entry:
    label = f"{what}: tensor {name!r:.80}"
    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise source.fail(f"{label} does not have exactly dtype, shape and data_offsets")
    code = fields["dtype"]
    if isinstance(code, str) and code in _OTHER_CODES:
        raise RuntimeError(f"{source.name}: {label} has dtype {code}, which tallow does not support")
    if not isinstance(code, str) or code not in _NAMES:
        raise source.fail(f"{label} has an unknown dtype {code!r:.60}")
    dtype = _NAMES[code]
    shape = check_ints(source, fields["shape"], f"{label} shape")
    offsets = check_ints(source, fields["data_offsets"], f"{label} data_offsets")
    if len(offsets) != 2 or offsets[0] > offsets[1]:
        raise source.fail(f"{label} has invalid data_offsets {offsets}")
    expected = element_count(source, shape, ITEM_SIZES[dtype], label) * ITEM_SIZES[dtype]
    if offsets[1] - offsets[0] != expected:
        raise source.fail(
            f"{label} of shape {shape} and dtype {dtype} needs {expected} bytes, data_offsets {offsets} give "
            f"{offsets[1] - offsets[0]}"
        )
    return Entry(name, dtype, shape, offsets[0], offsets[1])


def _check_cover(source: Source, entries: list[Entry], size: int, what: str) -> None:
    """Neither holes nor overlaps, and the last tensor ends where the data ends."""
    position = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != position:
            fault = "overlaps the tensor before it" if entry.begin < position else "leaves a hole before it"
            raise source.fail(f"{what}: tensor {entry.name!r:.80} at byte {entry.begin} {fault}")
        position = entry.end
    if position != size:
        raise source.fail(f"{what}: the tensors take {position} bytes, the file has {size} (truncated?)")


# ---- whole files --------------------------------------------------------------------------------------------------


def looks_like(source: Source) -> bool:
    """Whether the first bytes can be a safetensors header: a length, then the JSON object it counts."""
    return source.size >= 10 and source.read(8, 1, "the first bytes") == b"{"


def load_file(source: Source, map_location: Any) -> dict[str, Any]:
    """A plain .safetensors file as a dict of tensors, in header order."""
    entries, data_start = decode_header(source, 0, source.size, "safetensors")
    reader = StorageReader(source, map_location)
    result: dict[str, Any] = dict.fromkeys(entry.name for entry in entries)
    for entry in sorted(entries, key=lambda entry: entry.begin):
        label = f"tensor {entry.name!r:.80}"
        dtype = find_dtype(source, entry.dtype, label)
        nbytes = entry.end - entry.begin
        storage, data, _ = reader.read(data_start + entry.begin, nbytes, "cpu", label, ITEM_SIZES[entry.dtype])
        if entry.dtype == "bool":
            check_bools(source, data, label)
        result[entry.name] = view_storage(storage, dtype, entry.shape, contiguous_strides(entry.shape), 0)
    return result


def save_chunks(obj: Any) -> list[Any]:
    """The chunks of a plain .safetensors file for a flat dict of tensors."""
    import tallow

    if not isinstance(obj, dict):
        raise TypeError(f"save: a .safetensors file takes a dict of tensors, got {type(obj).__name__}")
    blocks = []
    for name, tensor in obj.items():
        where = f"obj[{name!r}]"
        if type(name) is not str:
            raise TypeError(f"save: {where}: a .safetensors file takes str keys, got {type(name).__name__}")
        if name == "__metadata__":
            raise ValueError("save: the name '__metadata__' is reserved in a .safetensors file")
        if not isinstance(tensor, tallow.Tensor):
            raise TypeError(f"save: {where}: a .safetensors file takes tensors only, got {type(tensor).__name__}")
        dtype = dtype_name(tensor.dtype)
        if dtype not in CODES:
            raise TypeError(f"save: {where}: safetensors has no dtype for {tensor.dtype}")
        if tensor.is_sparse:
            raise TypeError(f"save: {where}: safetensors holds dense tensors only: save to_dense(), or the parts")
        if tensor.device.type == "meta":
            raise TypeError(f"save: {where}: a tensor on device 'meta' has no data to save")
        blocks.append(Block(name, dtype, list(tensor.shape), _own_bytes(tensor), ITEM_SIZES[dtype]))
    # Readers built on the format's Python library ask for this key to know whose memory layout the tensors have.
    return encode(blocks, {"format": "pt"})


def _own_bytes(tensor: Any) -> memoryview:
    """The elements of a tensor in row-major order. A view is copied, a whole storage is not."""
    host = tensor.detach().cpu().contiguous()
    start = host.storage_offset() * host.dtype.itemsize
    return storage_bytes(host)[start : start + host.numel() * host.dtype.itemsize]
