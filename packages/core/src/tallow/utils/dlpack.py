"""Memory that libraries share by DLPack, under the names of programs written before ``tallow.from_dlpack``.

>>> import tallow
>>> from tallow.utils.dlpack import from_dlpack, to_dlpack
>>> t = tallow.zeros(2)
>>> from_dlpack(to_dlpack(t)).add_(1)
tensor([1., 1.])
>>> t
tensor([1., 1.])
"""

from __future__ import annotations

from typing import Any

from tallow import Tensor
from tallow._dlpack import DLDeviceType, from_dlpack

__all__ = ["DLDeviceType", "from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule over the tensor's memory, for one consumer."""
    return tensor.__dlpack__()
