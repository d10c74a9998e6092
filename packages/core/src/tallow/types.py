"""Names for the types of arguments, as ``torch.types``."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

from tallow import _core

__all__ = ["Device", "FileLike", "Number", "Storage"]

Number: TypeAlias = int | float | bool
Device: TypeAlias = _core.device | str | int | None
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
Storage: TypeAlias = Any

_int, _float, _bool, _complex = builtins.int, builtins.float, builtins.bool, builtins.complex
_dtype, _device, _layout = _core.dtype, _core.device, _core.memory_format
_size: TypeAlias = _core.Size | list[int] | tuple[int, ...]
_TensorOrTensors: TypeAlias = _core.Tensor | Sequence[_core.Tensor]
