"""Dropout."""

from __future__ import annotations

from tallow import Tensor, ops

_ops = ops.nn


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to zero with probability `p` and scale the rest by ``1 / (1 - p)``; identity if not `training`.

    Raises:
        ValueError: if `p` is not between 0 and 1.
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training:
        return input
    result = _ops.dropout(input, p, True)
    return input.copy_(result) if inplace else result
