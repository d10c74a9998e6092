"""Padding: layers of :func:`tallow.nn.functional.pad`.

Sizes are one number for all sides, or (before, after) of the last dimension, then of the one before it, and so on.
"""

from __future__ import annotations

from tallow import Tensor

from .. import functional as F
from ._arguments import Ints, each
from .module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _PadNd(Module):
    _spatial: int
    _mode: str

    def __init__(self, padding: Ints) -> None:
        super().__init__()
        self.padding = each(padding, 2 * self._spatial)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    _mode = "constant"
    value: float

    def __init__(self, padding: Ints, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """Pads the last dimension with `value`.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.ConstantPad1d((1, 2), 9)(tallow.tensor([[1, 2]])).tolist()
    [[9, 1, 2, 9, 9]]
    """

    _spatial = 1


class ConstantPad2d(_ConstantPadNd):
    """Pads the last two dimensions with `value`.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.ConstantPad2d((1, 0, 0, 1), 9)(tallow.tensor([[[1]]])).tolist()
    [[[9, 1], [9, 9]]]
    """

    _spatial = 2


class ConstantPad3d(_ConstantPadNd):
    """Pads the last three dimensions with `value`.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.ConstantPad3d(1, 0)(tallow.zeros(1, 2, 2, 2)).shape)
    (1, 4, 4, 4)
    """

    _spatial = 3


class ZeroPad1d(ConstantPad1d):
    """Pads the last dimension with zeros.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.ZeroPad1d(1)(tallow.tensor([[1.0, 2.0]])).tolist()
    [[0.0, 1.0, 2.0, 0.0]]
    """

    def __init__(self, padding: Ints) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Pads the last two dimensions with zeros.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.ZeroPad2d((1, 1, 0, 0))(tallow.tensor([[[1.0, 2.0]]])).tolist()
    [[[0.0, 1.0, 2.0, 0.0]]]
    """

    def __init__(self, padding: Ints) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Pads the last three dimensions with zeros.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.ZeroPad3d(1)(tallow.zeros(1, 2, 2, 2)).shape)
    (1, 4, 4, 4)
    """

    def __init__(self, padding: Ints) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ReflectionPadNd(_PadNd):
    _mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """Pads the last dimension with the reflection at the border, which is not repeated.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.ReflectionPad1d((2, 1))(tallow.tensor([[1, 2, 3]])).tolist()
    [[3, 2, 1, 2, 3, 2]]
    """

    _spatial = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Pads the last two dimensions with the reflection at the border, which is not repeated.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.ReflectionPad2d((1, 1, 0, 0))(tallow.tensor([[[1.0, 2.0]]])).tolist()
    [[[2.0, 1.0, 2.0, 1.0]]]
    """

    _spatial = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Pads the last three dimensions with the reflection at the border, which is not repeated.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.ReflectionPad3d(1)(tallow.zeros(1, 2, 2, 2)).shape)
    (1, 4, 4, 4)
    """

    _spatial = 3


class _ReplicationPadNd(_PadNd):
    _mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """Pads the last dimension with copies of the border.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.ReplicationPad1d((2, 1))(tallow.tensor([[1, 2, 3]])).tolist()
    [[1, 1, 1, 2, 3, 3]]
    """

    _spatial = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Pads the last two dimensions with copies of the border.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.ReplicationPad2d((1, 1, 0, 0))(tallow.tensor([[[1.0, 2.0]]])).tolist()
    [[[1.0, 1.0, 2.0, 2.0]]]
    """

    _spatial = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Pads the last three dimensions with copies of the border.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.ReplicationPad3d(1)(tallow.zeros(1, 2, 2, 2)).shape)
    (1, 4, 4, 4)
    """

    _spatial = 3


class _CircularPadNd(_PadNd):
    _mode = "circular"


class CircularPad1d(_CircularPadNd):
    """Pads the last dimension with what lies at the other end.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.CircularPad1d((2, 1))(tallow.tensor([[1, 2, 3]])).tolist()
    [[2, 3, 1, 2, 3, 1]]
    """

    _spatial = 1


class CircularPad2d(_CircularPadNd):
    """Pads the last two dimensions with what lies at the other end.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.CircularPad2d((1, 0, 0, 0))(tallow.tensor([[[1.0, 2.0]]])).tolist()
    [[[2.0, 1.0, 2.0]]]
    """

    _spatial = 2


class CircularPad3d(_CircularPadNd):
    """Pads the last three dimensions with what lies at the other end.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.CircularPad3d(1)(tallow.zeros(1, 2, 2, 2)).shape)
    (1, 4, 4, 4)
    """

    _spatial = 3
