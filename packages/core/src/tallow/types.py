"""Names for the types of arguments, as ``torch.types``."""

from __future__ import annotations

import os
from typing import IO, TypeAlias

from tallow import _core

__all__ = ["Device", "FileLike", "Number"]

Number: TypeAlias = int | float | bool
Device: TypeAlias = _core.device | str | int | None
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
