"""Tallow's own checkpoint: a zip of ``tallow.json`` (structure) and ``data.safetensors`` (an entry per storage).

Storages, not tensors, are the unit: two views of one storage are views of one storage again after loading. Where a
tensor covers its storage, the entry has the tensor's path, dtype and shape, so any safetensors reader understands it.
"""

from __future__ import annotations

from typing import Any

from . import safetensors_format, strict_json
from .checksum import crc32
from .source import Source
from .structure import Decoder, Encoder
from .tensors import (
    ITEM_SIZES,
    StorageReader,
    check_bools,
    check_bounds,
    check_ints,
    dtype_name,
    element_count,
    find_dtype,
    finish,
    host_tensor,
    is_parameter,
    storage_bytes,
    view_storage,
)
from .zip_container import Member, check_crc, read_member

FORMAT_VERSION = 1
MANIFEST = "tallow.json"
DATA = "data.safetensors"


# ---- saving -------------------------------------------------------------------------------------------------------


class _Table:
    """The tensors and storages met while encoding, each once."""

    def __init__(self) -> None:
        self.tensors: list[dict[str, Any]] = []
        self.storages: list[dict[str, Any]] = []
        self.blocks: list[safetensors_format.Block] = []
        self._tensor_index: dict[int, int] = {}
        self._storage_index: dict[tuple[str, int], int] = {}
        self._names: set[str] = set()
        self._alive: list[Any] = []

    def add(self, tensor: Any, path: str) -> int:
        import tallow

        known = self._tensor_index.get(id(tensor))
        if known is not None:
            return known
        parameter = is_parameter(tensor)
        if type(tensor) is not tallow.Tensor and not parameter:
            kind = type(tensor)
            raise TypeError(f"{path}: cannot save tensor subclass {kind.__module__}.{kind.__qualname__}")
        dtype = dtype_name(tensor.dtype)
        if dtype not in ITEM_SIZES:
            raise TypeError(f"{path}: cannot save a tensor of dtype {tensor.dtype}")
        if tensor.is_sparse:
            raise TypeError(f"{path}: format='tallow' holds dense tensors only: save a sparse one with format='torch'")
        record = {
            "storage": self._add_storage(tensor, dtype, path),
            "dtype": dtype,
            "shape": list(tensor.shape),
            "stride": list(tensor.stride()),
            "offset": tensor.storage_offset(),
        }
        if tensor.requires_grad:
            record["requires_grad"] = True
        if parameter:
            record["parameter"] = True
        self._tensor_index[id(tensor)] = index = len(self.tensors)
        self._alive.append(tensor)
        self.tensors.append(record)
        return index

    def _add_storage(self, tensor: Any, dtype: str, path: str) -> int | None:
        device = str(tensor.device)
        if device == "meta":
            return None
        key = (device, tensor._storage_id())
        index = self._storage_index.get(key)
        if index is not None:
            return index
        host = host_tensor(tensor)
        data = storage_bytes(host)
        self._alive.append(host)
        name = self._unique(_dotted(path))
        self.blocks.append(_block(name, tensor, dtype, data))
        self._storage_index[key] = index = len(self.storages)
        self.storages.append({"name": name, "nbytes": len(data), "device": device})
        return index

    def _unique(self, name: str) -> str:
        unique, number = name, 1
        while unique in self._names:
            number += 1
            unique = f"{name}#{number}"
        self._names.add(unique)
        return unique


def _dotted(path: str) -> str:
    """obj['model']['fc.weight'][0] -> model.fc.weight.0"""
    inner = path.removeprefix("obj")
    name = inner.replace("']['", ".").replace("'][", ".").replace("]['", ".").replace("][", ".")
    name = name.strip("[]").strip("'")
    return name if name and name != "__metadata__" else "tensor"


def _block(name: str, tensor: Any, dtype: str, data: memoryview) -> safetensors_format.Block:
    itemsize = ITEM_SIZES[dtype]
    if dtype in safetensors_format.CODES and len(data) % itemsize == 0:
        whole = tensor.is_contiguous() and tensor.storage_offset() == 0
        shape = list(tensor.shape) if whole and tensor.numel() * itemsize == len(data) else [len(data) // itemsize]
        return safetensors_format.Block(name, dtype, shape, data, itemsize)
    return safetensors_format.Block(name, "uint8", [len(data)], data, itemsize)


def save_members(obj: Any) -> list[tuple[str, list[Any]]]:
    """The members of the archive. Everything that can be refused is refused here, before a file is touched."""
    table = _Table()
    root = Encoder(table.add).encode(obj, "obj")
    manifest = {
        "format": "tallow",
        "version": FORMAT_VERSION,
        "root": root,
        "tensors": table.tensors,
        "storages": table.storages,
    }
    return [(MANIFEST, [strict_json.dump(manifest)]), (DATA, safetensors_format.encode(table.blocks))]


# ---- loading ------------------------------------------------------------------------------------------------------


def load_file(source: Source, members: dict[str, Member], map_location: Any) -> Any:
    manifest = _read_manifest(source, members)
    storages, hosts = _read_storages(source, members[DATA], manifest["storages"], manifest["tensors"], map_location)
    tensors = [
        _build_tensor(source, record, f"tensor {index}", storages, hosts)
        for index, record in enumerate(manifest["tensors"])
    ]
    return Decoder(source, tensors).decode(manifest["root"])


def _read_manifest(source: Source, members: dict[str, Member]) -> dict[str, Any]:
    if DATA not in members:
        raise source.fail(f"the archive has no member {DATA!r}")
    manifest = strict_json.parse(source, read_member(source, MANIFEST, members[MANIFEST]), MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != "tallow":
        raise source.fail(f"{MANIFEST} is not a tallow manifest")
    version = manifest.get("version")
    if type(version) is not int or version < 1:
        raise source.fail(f"{MANIFEST} has an invalid version {version!r:.60}")
    if version > FORMAT_VERSION:
        raise RuntimeError(
            f"{source.name}: the file has format version {version}, this tallow reads up to {FORMAT_VERSION}; "
            "upgrade tallow-core"
        )
    if set(manifest) != {"format", "version", "root", "tensors", "storages"}:
        raise source.fail(f"{MANIFEST} has missing or unknown fields")
    if not isinstance(manifest["tensors"], list) or not isinstance(manifest["storages"], list):
        raise source.fail(f"{MANIFEST}: tensors and storages must be lists")
    return manifest


def _read_storages(
    source: Source, member: Member, records: list[Any], tensors: list[Any], map_location: Any
) -> tuple[list[Any], list[memoryview]]:
    """Every storage in its final place and its bytes on the host; the member's checksum is verified on the way."""
    entries, data_start = safetensors_format.decode_header(source, member.offset, member.size, DATA)
    by_name = {entry.name: entry for entry in entries}
    places = {}
    for index, record in enumerate(records):
        if not isinstance(record, dict) or set(record) != {"name", "nbytes", "device"}:
            raise source.fail(f"{MANIFEST}: storage {index} does not have exactly name, nbytes and device")
        name, device = record["name"], record["device"]
        if not isinstance(name, str) or name not in by_name or name in places:
            raise source.fail(f"{MANIFEST}: storage {index} names {name!r:.80}, which is missing or taken")
        if not isinstance(device, str) or not 0 < len(device) < 64:
            raise source.fail(f"{MANIFEST}: storage {index} has an invalid device {device!r:.60}")
        if record["nbytes"] != by_name[name].end - by_name[name].begin:
            raise source.fail(f"{MANIFEST}: storage {index} has a size other than its data")
        places[name] = (index, device)
    if len(places) != len(entries):
        raise source.fail(f"{DATA} has {len(entries)} storages, {MANIFEST} has {len(places)}")

    alignments = _alignments(tensors, len(records))
    reader = StorageReader(source, map_location)
    storages: list[Any] = [None] * len(records)
    hosts: list[Any] = [None] * len(records)
    crc = crc32(source.read(member.offset, data_start - member.offset, DATA))
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        index, device = places[entry.name]
        what = f"storage {entry.name!r:.80}"
        nbytes = entry.end - entry.begin
        storages[index], hosts[index], crc = reader.read(
            data_start + entry.begin, nbytes, device, what, alignments[index], crc
        )
    if source.map is None:  # a map stays lazy: checking would read the whole file
        check_crc(source, DATA, member, crc)
    return storages, hosts


def _alignments(tensors: list[Any], count: int) -> list[int]:
    """What each storage must be aligned to for the tensors on it. Malformed records are reported later."""
    result = [1] * count
    for record in tensors:
        if isinstance(record, dict):
            index, dtype = record.get("storage"), record.get("dtype")
            if type(index) is int and 0 <= index < count and isinstance(dtype, str):
                result[index] = max(result[index], ITEM_SIZES.get(dtype, 1))
    return result


_REQUIRED = {"storage", "dtype", "shape", "stride", "offset"}


def _build_tensor(source: Source, record: Any, what: str, storages: list[Any], hosts: list[memoryview]) -> Any:
    import tallow

    if not isinstance(record, dict) or not _REQUIRED <= set(record) <= _REQUIRED | {"requires_grad", "parameter"}:
        raise source.fail(f"{MANIFEST}: {what} has missing or unknown fields")
    dtype = find_dtype(source, record["dtype"], what)
    itemsize = ITEM_SIZES[record["dtype"]]
    shape = check_ints(source, record["shape"], f"{what} shape")
    stride = check_ints(source, record["stride"], f"{what} stride")
    flags = [record.get(flag, False) for flag in ("requires_grad", "parameter")]
    if any(type(flag) is not bool for flag in flags):
        raise source.fail(f"{MANIFEST}: {what} has a flag that is neither true nor false")
    if flags[0] and not record["dtype"].startswith(("float", "bfloat", "complex")):
        raise source.fail(f"{MANIFEST}: {what} requires grad but has dtype {record['dtype']}")
    index = record["storage"]
    if index is None:
        element_count(source, shape, itemsize, what)
        if len(stride) != len(shape):
            raise source.fail(f"{what} has {len(shape)} sizes but {len(stride)} strides")
        check_ints(source, [record["offset"]], f"{what} offset")
        tensor = tallow.empty_strided(tuple(shape), tuple(stride), dtype=dtype, device="meta")
        return finish(tensor, requires_grad=flags[0], parameter=flags[1])
    if type(index) is not int or not 0 <= index < len(storages):
        raise source.fail(f"{MANIFEST}: {what} is on storage {index!r:.60} of {len(storages)}")
    host = hosts[index]
    begin, end = check_bounds(source, shape, stride, record["offset"], itemsize, len(host), what)
    if record["dtype"] == "bool":
        check_bools(source, host[begin:end], what)
    tensor = view_storage(storages[index], dtype, shape, stride, record["offset"])
    return finish(tensor, requires_grad=flags[0], parameter=flags[1])
