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
