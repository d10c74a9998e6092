"""``tallow.ops``: every op by namespace, as ``tallow.ops.<namespace>.<name>``, and the door for extensions.

    >>> import tallow
    >>> tallow.ops.core.add(tallow.tensor(1), 2)
    tensor(3)
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from tallow import _core

_FLAGS = _core.op_flags
_packets: dict[str, Any] = {}
_loaded: dict[str, str] = {}


def packet(name: str) -> Any:
    """The callable of the op ``name`` (``"add"``, ``"nn::conv2d"``)."""
    p = _packets.get(name)
    if p is None:
        p = _packets[name] = _core.packet(name)
    return p


class Namespace:
    """The ops of one namespace as attributes."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        full = name if self._name == "core" else f"{self._name}::{name}"
        p = packet(full)
        self.__dict__[name] = p
        return p

    def __dir__(self) -> list[str]:
        ns = "" if self._name == "core" else self._name
        return sorted({n for space, n, *_ in _core.op_names() if space == ns})


def _check_whole(path: str) -> None:
    """Refuses a library that was cut off: the loader maps what is not there, and the process dies of a bus error."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        header = file.read(64)
        if header[:6] != b"\x7fELF\x02\x01":  # 64 bits, little endian; the loader explains what it does not know
            return
        file.seek(int.from_bytes(header[32:40], "little"))
        step, count = int.from_bytes(header[54:56], "little"), int.from_bytes(header[56:58], "little")
        segments = file.read(step * count)
    cut = size < 64 or step < 40 or len(segments) < step * count
    for at in range(0, 0 if cut else step * count, step):
        kind, begin, length = (segments[at + i : at + j] for i, j in ((0, 4), (8, 16), (32, 40)))
        end = int.from_bytes(begin, "little") + int.from_bytes(length, "little")
        cut |= kind == b"\x01\0\0\0" and end > size  # PT_LOAD
    if cut:
        raise ImportError(f"load_library: {path} is truncated, it has only {size} bytes")


def load_library(path: str | os.PathLike[str]) -> None:
    """Loads an extension: a shared library that exports ``tl_extension_init`` and registers ops through the ABI.

    Loading the same file again does nothing. A library built for a newer ABI than this core's is refused with an
    ``ImportError`` that names both versions.
    """
    real = os.path.realpath(os.fspath(path))
    if real in _loaded:
        return
    if not os.path.exists(real):
        raise ImportError(f"load_library: {real} does not exist")
    _check_whole(real)
    _core.load_library(real)
    _loaded[real] = real


def _install(module: dict[str, Any], tensor: type) -> None:
    """Puts the core's public ops into the module and into Tensor."""
    skip = {"bool", "int", "float", "long", "short", "half", "double", "random"}
    method, hidden, no_function = _FLAGS["METHOD"], _FLAGS["HIDDEN"], _FLAGS["NO_FUNCTION"]
    methods: set[str] = set()
    make = _core.packet_many
    wanted: dict[str, int] = {}
    for ns, name, _overload, flags, variant in _core.op_names():
        if ns or flags & hidden:
            continue
        # An in-place form is a method too, also where the op itself is only a function.
        wanted[name] = wanted.get(name, 0) | flags | (method if variant == 1 else 0)
    for name, p in make(list(wanted)).items():
        flags = wanted[name]
        _packets[name] = p
        if not flags & no_function and name not in module and name not in skip:
            module[name] = p
        if flags & method and not hasattr(tensor, name):
            setattr(tensor, name, p)
            methods.add(name)


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        space = Namespace(name)
        self.__dict__[name] = space
        return space


sys.modules[__name__].__class__ = _Module
