"""Tensors to storages and back: what is written once per storage, and the checks on what comes from a file."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from typing import Any

from .source import Source

MAX_DIMS = 64
_MAX_BYTES = (1 << 63) - 1
# Byte sizes belong to the format, so they are stated here and not asked of the running library.
ITEM_SIZES = {
    "bool": 1,
    "uint8": 1,
    "int8": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "int64": 8,
    "uint64": 8,
    "float8_e4m3fn": 1,
    "float8_e5m2": 1,
    "float16": 2,
    "bfloat16": 2,
    "float32": 4,
    "float64": 8,
    "complex64": 8,
    "complex128": 16,
}


def dtype_name(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2]


def find_dtype(source: Source, name: Any, what: str) -> Any:
    """The dtype called ``name``; a name that no version knows is corruption, one this build lacks is not."""
    import tallow

    if not isinstance(name, str) or name not in ITEM_SIZES:
        raise source.fail(f"{what} has an unknown dtype {name!r}")
    dtype = getattr(tallow, name, None)
    if dtype is None:
        raise RuntimeError(f"{source.name}: {what} has dtype {name}, which this version of tallow does not have")
    return dtype


# ---- saving -------------------------------------------------------------------------------------------------------


def is_parameter(tensor: Any) -> bool:
    nn = sys.modules.get("tallow.nn")  # a Parameter can only exist once nn has been imported
    return nn is not None and isinstance(tensor, nn.Parameter)


def host_tensor(tensor: Any) -> Any:
    """A CPU tensor over the whole storage of ``tensor``: itself, or a flat copy of a device's memory."""
    tensor = tensor.detach()
    if tensor.device.type == "cpu":
        return tensor
    count = tensor._storage_nbytes() // tensor.dtype.itemsize
    return tensor.as_strided((count,), (1,), 0).cpu()


def storage_bytes(tensor: Any) -> memoryview:
    """The whole storage of a CPU tensor as flat bytes."""
    from tallow import _core

    return memoryview(_core._storage_bytes(tensor)) if tensor._storage_nbytes() else memoryview(b"")


def contiguous_strides(shape: list[int]) -> list[int]:
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1)
    return strides


# ---- loading ------------------------------------------------------------------------------------------------------


def check_ints(source: Source, values: Any, what: str) -> list[int]:
    """A shape or a list of strides: a short list of non-negative 64-bit integers."""
    if not isinstance(values, (list, tuple)) or len(values) > MAX_DIMS:
        raise source.fail(f"{what} is not a list of at most {MAX_DIMS} integers")
    for value in values:
        if type(value) is not int or not 0 <= value <= _MAX_BYTES:
            raise source.fail(f"{what} has an invalid entry {value!r:.60}")
    return list(values)


def element_count(source: Source, shape: list[int], itemsize: int, what: str) -> int:
    count = 1
    for size in shape:
        count *= size
    nonzero = itemsize
    for size in shape:
        nonzero *= max(size, 1)
    if nonzero > _MAX_BYTES:
        raise source.fail(f"{what} of shape {shape} is larger than any memory")
    return count


def check_bounds(
    source: Source, shape: list[int], stride: list[int], offset: int, itemsize: int, nbytes: int, what: str
) -> tuple[int, int]:
    """The range of bytes a strided tensor touches, checked to lie inside a storage of ``nbytes``."""
    if len(stride) != len(shape):
        raise source.fail(f"{what} has {len(shape)} sizes but {len(stride)} strides")
    if type(offset) is not int or not 0 <= offset <= _MAX_BYTES:
        raise source.fail(f"{what} has an invalid storage offset {offset!r:.60}")
    if element_count(source, shape, itemsize, what) == 0:
        if offset * itemsize > nbytes:
            raise source.fail(f"{what} starts at byte {offset * itemsize} of a storage of {nbytes} bytes")
        return 0, 0
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if (last + 1) * itemsize > nbytes:
        raise source.fail(
            f"{what} of shape {shape}, strides {stride} and offset {offset} needs {(last + 1) * itemsize} bytes, "
            f"its storage has {nbytes}"
        )
    return offset * itemsize, (last + 1) * itemsize


def check_bools(source: Source, data: memoryview, what: str) -> None:
    """A bool that is neither 0 nor 1 is undefined behaviour in native code, so it must not get in."""
    for start in range(0, len(data), 1 << 20):
        if bytes(data[start : start + (1 << 20)]).translate(None, b"\0\1"):
            raise source.fail(f"{what} is bool but has bytes other than 0 and 1")


def view_storage(storage: Any, dtype: Any, shape: list[int], stride: list[int], offset: int) -> Any:
    """A tensor over a one-dimensional uint8 storage. The bounds must have been checked."""
    whole = len(storage) // dtype.itemsize * dtype.itemsize
    return storage[:whole].view(dtype).as_strided(tuple(shape), tuple(stride), offset)


def finish(tensor: Any, *, requires_grad: bool, parameter: bool) -> Any:
    """Make a loaded tensor a Parameter or a leaf that requires grad, as far as the installed packages go."""
    needed = "tallow-nn" if parameter else "tallow-autograd"
    if (parameter or requires_grad) and importlib.util.find_spec("tallow." + needed.removeprefix("tallow-")) is None:
        what = "nn.Parameter objects" if parameter else "tensors that require grad"
        warnings.warn(
            f"the file has {what} and {needed} is not installed: they are loaded as plain tensors", stacklevel=2
        )
        return tensor
    if parameter:
        from tallow import nn

        return nn.Parameter(tensor, requires_grad=requires_grad)
    return tensor.requires_grad_() if requires_grad else tensor


class StorageReader:
    """Brings storages from a source to where ``map_location`` wants them."""

    def __init__(self, source: Source, map_location: Any) -> None:
        self.source = source
        self._map_location = map_location

    def read(
        self, offset: int, nbytes: int, location: str, what: str, alignment: int = 1, crc: int = 0
    ) -> tuple[Any, memoryview, int]:
        """(uint8 tensor in its final place, its bytes on the host, their checksum after ``crc``).

        The checksum of what is mapped and not read is just ``crc``: finding it would read the whole file.
        """
        import tallow

        if self.source.map is not None and nbytes and offset % alignment == 0:
            self.source.check(offset, nbytes, what)
            host = tallow.frombuffer(self.source.map, dtype=tallow.uint8, count=nbytes, offset=offset)
            return self.place(host, location), memoryview(self.source.map)[offset : offset + nbytes], crc
        self.source.check(offset, nbytes, what)  # before memory is taken for a size that the file made up
        host = tallow.empty(nbytes, dtype=tallow.uint8)
        data = storage_bytes(host)
        if nbytes:
            crc = self.source.read_into(offset, data, what, crc)
        return self.place(host, location), data, crc

    def place(self, host: Any, location: str) -> Any:
        target: Any = self._map_location
        if target is None:
            target = location
        elif isinstance(target, dict):
            target = target.get(location, location)
        elif callable(target):
            # torch hands a storage; a flat uint8 tensor over the whole storage stands for it.
            placed = target(host, location)
            if placed is not None:
                return placed
            target = location
        if str(target) == "cpu":
            return host
        try:
            return host.to(target)
        except (RuntimeError, NotImplementedError, AssertionError) as error:
            raise RuntimeError(
                f"{self.source.name}: cannot place a tensor saved on {location!r} on {str(target)!r}: {error}; "
                "load(..., map_location='cpu') loads it on the CPU"
            ) from error
