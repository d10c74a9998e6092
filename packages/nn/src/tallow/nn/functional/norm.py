"""Normalisation."""

from __future__ import annotations

from collections.abc import Sequence

from tallow import Tensor, ops

_ops = ops.nn


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias``, with statistics over the trailing `normalized_shape`."""
    return _ops.layer_norm(input, normalized_shape, weight, bias, eps)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of ``(N, C, ...)``, in training by the batch's statistics, else by the running ones.

    In training the running statistics, where given, are updated in place with weight `momentum`.

    Raises:
        ValueError: in training, if there is only one value per channel.
    """
    if training:
        values = input.numel() // max(input.size(1), 1) if input.dim() > 1 else input.numel()
        if values == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.size()}")
    return _ops.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Divide by the p-norm along `dim`, or by `eps` where the norm is smaller."""
    return input / input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
