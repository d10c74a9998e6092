"""Arrays in files that are mapped, not read: ``.npy``, and raw values. NumPy is not needed.

A mapped tensor takes no memory of its own: pages come from the file when they are touched, and all processes share
them. It may be larger than memory.
"""

from __future__ import annotations

import ast
import math
import mmap
import os
import struct
from collections.abc import Sequence
from typing import Any

import tallow
from tallow import Tensor

from ..dataset import TensorDataset

__all__ = ["MappedArrays", "map_npy", "map_raw", "save_npy"]

_MAGIC = b"\x93NUMPY"
_TYPES = {
    "|b1": tallow.bool,
    "|u1": tallow.uint8,
    "|i1": tallow.int8,
    "<i2": tallow.int16,
    "<i4": tallow.int32,
    "<i8": tallow.int64,
    "<u2": tallow.uint16,
    "<u4": tallow.uint32,
    "<u8": tallow.uint64,
    "<f2": tallow.float16,
    "<f4": tallow.float32,
    "<f8": tallow.float64,
    "<c8": tallow.complex64,
    "<c16": tallow.complex128,
}
_MOST_HEADER = 1 << 16


def map_raw(
    path: str | os.PathLike[str], dtype: Any, shape: Sequence[int], *, offset: int = 0, writable: bool = False
) -> Tensor:
    """Map values that lie in a file as they lie in memory.

    Args:
        dtype: of the values.
        shape: of the tensor; one size may be -1, for as much as there is.
        offset: the byte at which the values begin.
        writable: write changes to the file. Default: changes are seen by this tensor only.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is too short, or does not divide into `shape`.

    >>> import tempfile
    >>> name = tempfile.mktemp()
    >>> _ = open(name, "wb").write(bytes([1, 2, 3, 4]))
    >>> map_raw(name, tallow.uint8, (-1, 2)).tolist()
    [[1, 2], [3, 4]]
    """
    sizes = list(shape)
    item = tallow.empty(0, dtype=dtype).element_size()
    with open(path, "r+b" if writable else "rb") as file:
        there = os.fstat(file.fileno()).st_size - offset
        if offset < 0 or there < 0:
            raise ValueError(f"map_raw(): {path} has {there + offset} bytes, so there is no offset {offset}")
        if sizes.count(-1) == 1:
            rest = math.prod(size for size in sizes if size != -1) * item
            if rest == 0 or there % rest:
                raise ValueError(f"map_raw(): the {there} bytes of {path} do not divide into {sizes} of {dtype}")
            sizes[sizes.index(-1)] = there // rest
        if any(size < 0 for size in sizes):
            raise ValueError(f"map_raw(): sizes must not be negative, but for one -1; got {sizes}")
        count = math.prod(sizes)
        if count * item > there:
            raise ValueError(f"map_raw(): {sizes} of {dtype} are {count * item} bytes, but {path} has {there}")
        if count == 0:
            return tallow.empty(sizes, dtype=dtype)
        access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_COPY
        mapped = mmap.mmap(file.fileno(), offset + count * item, access=access)
    return tallow.frombuffer(mapped, dtype=dtype, count=count, offset=offset).reshape(sizes)


def map_npy(path: str | os.PathLike[str], *, writable: bool = False) -> Tensor:
    """Map a ``.npy`` file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such file, is cut off, or has values that tensors do not have: objects, text, records,
            or such of the other byte order.

    >>> import tempfile
    >>> name = tempfile.mktemp(suffix=".npy")
    >>> save_npy(name, tallow.eye(2))
    >>> map_npy(name).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    dtype, shape, fortran, offset = _header(path)
    if not fortran:
        return map_raw(path, dtype, shape, offset=offset, writable=writable)
    turned = map_raw(path, dtype, shape[::-1], offset=offset, writable=writable)
    return turned.permute(*range(len(shape) - 1, -1, -1))


def _header(path: str | os.PathLike[str]) -> tuple[Any, tuple[int, ...], bool, int]:
    with open(path, "rb") as file:
        start = file.read(12)
        if len(start) < 10 or start[:6] != _MAGIC or start[6] not in (1, 2, 3):
            raise ValueError(f"map_npy(): {path} is no .npy file: it starts with {start[:8]!r}")
        wide = start[6] > 1
        begin = 12 if wide else 10
        (length,) = struct.unpack_from("<I" if wide else "<H", start.ljust(12, b"\0"), 8)
        if length > _MOST_HEADER:
            raise ValueError(f"map_npy(): {path} declares a header of {length} bytes, at most {_MOST_HEADER} are read")
        file.seek(begin)
        text = file.read(length)
    try:
        header = ast.literal_eval(text.decode("utf-8"))
        descr, shape, fortran = header["descr"], header["shape"], header["fortran_order"]
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(f"map_npy(): the header of {path} cannot be read: {text[:100]!r}") from error
    if not isinstance(descr, str) or descr not in _TYPES:
        raise ValueError(f"map_npy(): {path} has values of type {descr!r}; tensors have {', '.join(_TYPES)}")
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"map_npy(): {path} declares the shape {shape!r}")
    return _TYPES[descr], shape, bool(fortran), begin + length


def save_npy(path: str | os.PathLike[str], tensor: Tensor) -> None:
    """Write a ``.npy`` file.

    Raises:
        ValueError: for a dtype that the format does not have.
    """
    code = next((code for code, dtype in _TYPES.items() if dtype == tensor.dtype), None)
    if code is None:
        raise ValueError(f"save_npy(): the format has no {tensor.dtype}")
    tensor = tensor.detach().cpu().contiguous()
    header = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {tuple(tensor.shape)}, }}".encode()
    padding = -(10 + len(header) + 1) % 64
    with open(path, "wb") as file:
        file.write(_MAGIC + b"\1\0" + struct.pack("<H", len(header) + padding + 1) + header + b" " * padding + b"\n")
        if tensor.numel():
            file.write(memoryview(tensor.reshape(-1).view(tallow.uint8)))  # type: ignore[arg-type]


class MappedArrays(TensorDataset):
    """Rows of mapped ``.npy`` files: sample `i` is the tuple of every file's row `i`.

    Workers map the files themselves, and share their pages. A batch is one ``index_select`` per file.

    Raises:
        ValueError: if the files have not the same number of rows, or are not ``.npy`` files.

    >>> import tempfile
    >>> name = tempfile.mktemp(suffix=".npy")
    >>> save_npy(name, tallow.arange(6).reshape(3, 2))
    >>> MappedArrays(name)[1]
    (tensor([2, 3]),)
    """

    def __init__(self, *paths: str | os.PathLike[str]) -> None:
        self.paths = [os.fspath(path) for path in paths]
        tensors = tuple(map_npy(path) for path in self.paths)
        if len({tensor.shape[:1] for tensor in tensors}) != 1 or not tensors[0].dim():
            sizes = ", ".join(f"{p}: {list(t.shape)}" for p, t in zip(self.paths, tensors, strict=True))
            raise ValueError(f"MappedArrays: the files must have the same number of rows, got {sizes or 'no file'}")
        super().__init__(*tensors)

    def __reduce__(self) -> Any:
        return type(self), tuple(os.path.abspath(path) for path in self.paths)
