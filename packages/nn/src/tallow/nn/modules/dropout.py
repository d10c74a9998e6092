"""Dropout. In evaluation all of these are the identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from tallow import Tensor

from .. import functional as F
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    """What the dropouts share; `function` is the functional form.

    Raises:
        ValueError: if `p` is not between 0 and 1.
    """

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """In training, sets each element to zero with probability `p` and scales the rest by ``1 / (1 - p)``.

    (Hinton et al., 2012.)

    Raises:
        ValueError: if `p` is not between 0 and 1.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.Dropout(0.5).eval()(tallow.ones(2)).tolist()
    [1.0, 1.0]
    """

    function = staticmethod(F.dropout)


class Dropout1d(_DropoutNd):
    """Drops whole channels of ``(N, C, L)`` or ``(C, L)``.

    >>> import tallow
    >>> from tallow import nn
    >>> y = nn.Dropout1d(0.5)(tallow.ones(4, 3, 8))
    >>> bool((y == y[:, :, :1]).all())
    True
    """

    function = staticmethod(F.dropout1d)


class Dropout2d(_DropoutNd):
    """Drops whole channels of ``(N, C, H, W)`` (Tompson et al., 2015).

    >>> import tallow
    >>> from tallow import nn
    >>> y = nn.Dropout2d()(tallow.ones(4, 3, 8, 8))
    >>> bool((y == y[:, :, :1, :1]).all())
    True
    """

    function = staticmethod(F.dropout2d)


class Dropout3d(_DropoutNd):
    """Drops whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    >>> import tallow
    >>> from tallow import nn
    >>> y = nn.Dropout3d()(tallow.ones(4, 3, 2, 2, 2))
    >>> bool((y == y[:, :, :1, :1, :1]).all())
    True
    """

    function = staticmethod(F.dropout3d)


class AlphaDropout(_DropoutNd):
    """Dropout for SELU networks: what is dropped goes to SELU's lower limit, mean and variance stay.

    (Klambauer et al., "Self-normalizing neural networks", 2017.)

    >>> import tallow
    >>> from tallow import nn
    >>> nn.AlphaDropout(0.5).eval()(tallow.ones(2)).tolist()
    [1.0, 1.0]
    """

    function = staticmethod(F.alpha_dropout)


class FeatureAlphaDropout(_DropoutNd):
    """:class:`AlphaDropout` of whole channels of ``(N, C, ...)``.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.FeatureAlphaDropout(0.5)(tallow.ones(2, 3, 4)).shape)
    (2, 3, 4)
    """

    function = staticmethod(F.feature_alpha_dropout)
