"""The IDX format, in which MNIST and its relatives are distributed.

A file is: two zero bytes, a byte for the type, a byte for the number of dimensions, the sizes as 32-bit big-endian
numbers, the values, big-endian. Files may be compressed with gzip.

Files are not trusted: sizes are checked against what is there before memory is taken.
"""

from __future__ import annotations

import array
import gzip
import math
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import tallow
from tallow import Tensor

__all__ = ["load_idx", "load_mnist", "save_idx"]

_GZIP_MAGIC = b"\x1f\x8b"

# Type byte: dtype and, where there are several bytes to swap, the type code of the array module.
_TYPES: dict[int, tuple[Any, str]] = {
    0x08: (tallow.uint8, "B"),
    0x09: (tallow.int8, "b"),
    0x0B: (tallow.int16, "h"),
    0x0C: (tallow.int32, "i"),
    0x0D: (tallow.float32, "f"),
    0x0E: (tallow.float64, "d"),
}


def load_idx(path: str | os.PathLike[str], *, max_bytes: int = 1 << 32) -> Tensor:
    """Read one IDX file.

    Args:
        path: the file, plain or gzip.
        max_bytes: the largest size of the values that is accepted.

    Returns:
        A tensor of the file's sizes: uint8, int8, int16, int32, float32 or float64.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no IDX file, is cut off, has bytes left over, or is larger than `max_bytes`.

    >>> import tempfile
    >>> name = tempfile.mktemp()
    >>> save_idx(name, tallow.tensor([[1, 2], [3, 4]], dtype=tallow.uint8))
    >>> load_idx(name).tolist()
    [[1, 2], [3, 4]]
    """
    path = Path(path)
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        if not compressed:
            return _parse(file, path, max_bytes)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _parse(unpacked, path, max_bytes)  # type: ignore[arg-type]
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"load_idx(): {path} is no valid gzip file: {error}") from error


def _parse(file: BinaryIO, path: Path, max_bytes: int) -> Tensor:
    head = file.read(4)
    if len(head) != 4 or head[:2] != b"\0\0" or head[2] not in _TYPES:
        raise ValueError(f"load_idx(): {path} is no IDX file: it starts with {head!r}")
    dtype, code = _TYPES[head[2]]
    ndim = head[3]
    sizes_bytes = file.read(4 * ndim)
    if len(sizes_bytes) != 4 * ndim:
        raise ValueError(f"load_idx(): {path} is cut off in its header of {ndim} sizes")
    sizes = struct.unpack(f">{ndim}I", sizes_bytes)
    values = array.array(code)
    expected = math.prod(sizes) * values.itemsize
    if expected > max_bytes:
        raise ValueError(f"load_idx(): {path} declares {expected} bytes of values, more than max_bytes={max_bytes}")
    data = bytearray()
    # In blocks: a short file that declares much costs no more memory than it has bytes.
    while len(data) <= expected and (block := file.read(min(1 << 20, expected + 1 - len(data)))):
        data += block
    if len(data) != expected:
        found = "more" if len(data) > expected else len(data)
        raise ValueError(
            f"load_idx(): {path} of sizes {list(sizes)} should have {expected} bytes of values, but has {found}"
        )
    if expected == 0:
        return tallow.empty(sizes, dtype=dtype)
    if values.itemsize > 1 and sys.byteorder == "little":
        values.frombytes(data)
        values.byteswap()
        return tallow.frombuffer(values, dtype=dtype).reshape(sizes)
    return tallow.frombuffer(data, dtype=dtype).reshape(sizes)


def save_idx(path: str | os.PathLike[str], tensor: Tensor) -> None:
    """Write `tensor` as an IDX file, compressed if the name ends in ``.gz``.

    Raises:
        ValueError: for a dtype that the format does not have.
    """
    matching = [(byte, code) for byte, (dtype, code) in _TYPES.items() if dtype == tensor.dtype]
    if not matching:
        raise ValueError(f"save_idx(): the IDX format has no {tensor.dtype}")
    type_byte, code = matching[0]
    values = array.array(code, tensor.flatten().tolist())
    if values.itemsize > 1 and sys.byteorder == "little":
        values.byteswap()
    header = struct.pack(f">HBB{tensor.dim()}I", 0, type_byte, tensor.dim(), *tensor.shape)
    path = Path(path)
    with gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb") as file:
        file.write(header + values.tobytes())


def load_mnist(folder: str | os.PathLike[str], train: bool = True) -> tuple[Tensor, Tensor]:
    """Read the images and labels of a folder with MNIST's files.

    The files are ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``, or ``t10k-...``; with a dot instead of
    the second dash too, and with or without ``.gz``.

    Returns:
        images ``(N, H, W)`` and labels ``(N,)``, both uint8.

    Raises:
        FileNotFoundError: naming the files that were looked for.
        ValueError: if a file is broken, or the two do not fit together.
    """
    part = "train" if train else "t10k"
    images = load_idx(_find(Path(folder), f"{part}-images", "idx3-ubyte"))
    labels = load_idx(_find(Path(folder), f"{part}-labels", "idx1-ubyte"))
    if images.dim() != 3 or labels.dim() != 1 or images.size(0) != labels.size(0):
        raise ValueError(
            f"load_mnist(): images of sizes {list(images.shape)} and labels of sizes {list(labels.shape)} in {folder} "
            "do not fit: expected (N, H, W) and (N,)"
        )
    return images, labels


def _find(folder: Path, stem: str, kind: str) -> Path:
    names = [f"{stem}{sep}{kind}{suffix}" for sep in "-." for suffix in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"load_mnist(): {folder} has none of {', '.join(names)}")
