"""Activations."""

from __future__ import annotations

import warnings
from typing import Any

import tallow
from tallow import Tensor, ops

_ops = ops.nn


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(0, x)``; with `inplace` in the input's own memory."""
    return input.relu_() if inplace else input.relu()


def relu_(input: Tensor) -> Tensor:
    """:func:`relu` in place."""
    return input.relu_()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return input.tanh()


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``."""
    return input.sigmoid()


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """``x * Phi(x)``, exact or, with ``approximate="tanh"``, by a hyperbolic tangent."""
    return _ops.gelu(input, approximate=approximate)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along `dim`; with `dtype` the input is cast first."""
    if dim is None:
        dim = _implicit_dim("softmax", input.dim(), _stacklevel)
    return tallow.softmax(input, dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of :func:`softmax`, computed without leaving logarithms."""
    if dim is None:
        dim = _implicit_dim("log_softmax", input.dim(), _stacklevel)
    return tallow.log_softmax(input, dim, dtype=dtype)


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1
