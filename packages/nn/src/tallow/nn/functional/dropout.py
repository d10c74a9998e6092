"""Dropout. All raise ValueError if `p` is not between 0 and 1, and are the identity where not `training`."""

from __future__ import annotations

import warnings
from typing import Any

from tallow import Tensor, ops

_ops = ops.nn


def _apply(name: str, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training:
        return input
    op: Any = getattr(_ops, name + "_" if inplace else name)
    return op(input, p, True)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to zero with probability `p` and scale the rest by ``1 / (1 - p)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> y = F.dropout(tallow.ones(1000))
    >>> sorted(set(y.tolist()))
    [0.0, 2.0]
    """
    return _apply("dropout", input, p, training, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Set elements to SELU's lower limit, and keep mean 0 and variance 1 (Klambauer et al., 2017).

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.alpha_dropout(tallow.ones(3), training=False).tolist()
    [1.0, 1.0, 1.0]
    """
    return _apply("alpha_dropout", input, p, training, inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """:func:`alpha_dropout` of whole channels of ``(N, C, ...)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> tuple(F.feature_alpha_dropout(tallow.ones(2, 3, 4), training=True).shape)
    (2, 3, 4)
    """
    return _apply("feature_alpha_dropout", input, p, training, inplace)


def _channels(input: Tensor, p: float, training: bool, inplace: bool, batched: bool) -> Tensor:
    if batched:
        return _apply("feature_dropout", input, p, training, inplace)
    result = _apply("feature_dropout", input.unsqueeze(0), p, training, inplace)
    return input if inplace else result.squeeze(0)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Drop whole channels of ``(N, C, L)`` or ``(C, L)``.

    Raises:
        RuntimeError: if the input has not 2 or 3 dimensions.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> y = F.dropout1d(tallow.ones(4, 3, 8))
    >>> bool((y == y[:, :, :1]).all())
    True
    """
    if input.dim() not in (2, 3) and 0.0 <= p <= 1.0:
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. It drops channels of inputs "
            "with one spatial dimension, a channel dimension and an optional batch dimension."
        )
    return _channels(input, p, training, inplace, input.dim() != 2)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Drop whole channels of ``(N, C, H, W)`` (Tompson et al., 2015); ``(N, C, L)`` is taken too, with a warning.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> y = F.dropout2d(tallow.ones(4, 3, 8, 8))
    >>> bool((y == y[:, :, :1, :1]).all())
    True
    """
    if input.dim() not in (3, 4):
        _warn_dimensions("dropout2d", input.dim(), "2", "3D or 4D")
    elif input.dim() == 3:
        warnings.warn(
            "dropout2d: Received a 3D input and takes it for (N, C, L), a batch with one spatial dimension. Use "
            "dropout1d for that; in future a 3D input will be (C, H, W).",
            stacklevel=2,
        )
    return _apply("feature_dropout", input, p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Drop whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> y = F.dropout3d(tallow.ones(4, 3, 2, 2, 2))
    >>> bool((y == y[:, :, :1, :1, :1]).all())
    True
    """
    if input.dim() not in (4, 5):
        _warn_dimensions("dropout3d", input.dim(), "3", "4D or 5D")
    return _channels(input, p, training, inplace, input.dim() == 5)


def _warn_dimensions(name: str, got: int, spatial: str, wanted: str) -> None:
    warnings.warn(
        f"{name}: Received a {got}-D input, which is deprecated and will be an error in a future release: it drops "
        f"channels of inputs with {spatial} spatial dimensions ({wanted}). Use dropout for anything else.",
        stacklevel=3,
    )
