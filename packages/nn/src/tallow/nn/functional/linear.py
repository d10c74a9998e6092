"""Affine maps."""

from __future__ import annotations

from tallow import Tensor, ops

_ops = ops.nn


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias``: input ``(*, in)``, weight ``(out, in)`` or ``(in,)``, bias ``(out,)`` or ``()``."""
    return _ops.linear(input, weight, bias)
