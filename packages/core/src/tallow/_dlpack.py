"""DLPack in Python's terms: what a producer is asked for, and what it may refuse."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from tallow import _core
from tallow._core import Tensor

#: The newest version whose capsules are read and written; before it they had no version at all.
VERSION = (1, 0)


class DLDeviceType(IntEnum):
    """Device types as the standard numbers them; only those that tensors can be on."""

    kDLCPU = 1
    kDLCUDA = 2


def device_of(t: Tensor) -> tuple[DLDeviceType, int]:
    """What ``__dlpack_device__`` answers: the type and the index of the device."""
    kind = t.device.type
    if kind == "cpu":
        return DLDeviceType.kDLCPU, 0
    if kind == "cuda":
        return DLDeviceType.kDLCUDA, t.device.index or 0
    raise ValueError(f"Unknown device type {kind} for Dlpack")


def _place(dl_device: tuple[int, int]) -> str:
    kind, index = dl_device
    if kind == DLDeviceType.kDLCPU:
        return "cpu"
    if kind == DLDeviceType.kDLCUDA:
        return f"cuda:{index}"
    raise BufferError(f"__dlpack__(): dl_device {tuple(dl_device)} is of a type that tensors cannot be on")


def to_capsule(
    t: Tensor,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A capsule over the memory of ``t``: versioned if the consumer says that it reads version 1.

    ``BufferError`` for what a capsule cannot express: tensors that require grad, meta tensors, a move that would
    need the copy that ``copy=False`` forbids.
    """
    if t.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if stream is not None and type(stream) is not int:
        raise TypeError("stream must be ``int`` or ``none``")
    if t.device.type == "cpu" and stream not in (None, -1):
        raise AssertionError("stream should be None on cpu.")
    if t.device.type == "meta":
        raise BufferError("Cannot pack tensors on meta")
    source = t
    if dl_device is not None and tuple(dl_device) != tuple(device_of(t)):
        place = _place(dl_device)
        if copy is False:
            raise ValueError(f"cannot move (i.e. copy=False) tensor from {t.device} to {place} without copying.")
        source = t.to(place)
    elif copy:
        source = t.clone()
    versioned = max_version is not None and tuple(max_version) >= VERSION
    return _core._to_dlpack(source, versioned, source is not t)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory that ``ext_tensor`` (an object with ``__dlpack__``, or a capsule) hands out."""
    if not hasattr(ext_tensor, "__dlpack__"):
        if device is not None or copy is not None:
            raise AssertionError("device and copy kwargs not supported when ext_tensor is already a DLPack capsule.")
        return _core._from_dlpack(ext_tensor)
    wanted: dict[str, Any] = {"max_version": VERSION}
    if copy is not None:
        wanted["copy"] = copy
    if device is not None:
        place = _core.device(device)
        if place.type not in ("cpu", "cuda"):
            raise ValueError(f"Unknown device type {place.type} for Dlpack")
        kind = DLDeviceType.kDLCPU if place.type == "cpu" else DLDeviceType.kDLCUDA
        wanted["dl_device"] = (kind, place.index or 0)
    try:
        capsule = ext_tensor.__dlpack__(**wanted)
    except TypeError:
        # A producer from before version 1 knows no `max_version`. What else it does not know cannot be left out.
        del wanted["max_version"]
        capsule = ext_tensor.__dlpack__(**wanted)
    return _core._from_dlpack(capsule)
