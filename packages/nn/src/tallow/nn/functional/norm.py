"""Normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tallow
from tallow import Tensor, ops

from .pad import pad
from .pooling import avg_pool2d

_ops = ops.nn


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias``, with statistics over the trailing `normalized_shape`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.layer_norm(tallow.tensor([[1.0, 3.0]]), (2,)).round().tolist()
    [[-1.0, 1.0]]
    """
    return _ops.layer_norm(input, normalized_shape, weight, bias, eps)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """``x / sqrt(mean(x**2) + eps) * weight`` over the trailing `normalized_shape` (Zhang and Sennrich, 2019).

    `eps` defaults to the dtype's machine epsilon.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.rms_norm(tallow.tensor([[3.0, 3.0]]), (2,)).round().tolist()
    [[1.0, 1.0]]
    """
    return _ops.rms_norm(input, normalized_shape, weight, eps)


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

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.batch_norm(tallow.tensor([[1.0], [3.0]]), None, None, training=True).round().tolist()
    [[-1.0], [1.0]]
    """
    if training:
        _more_than_one_value(input.shape)
    return _ops.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalise `num_groups` groups of channels of each sample of ``(N, C, ...)`` (Wu and He, 2018).

    Raises:
        ValueError: if there is only one value per group.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.group_norm(tallow.tensor([[[1.0], [3.0]]]), 1).round().flatten().tolist()
    [-1.0, 1.0]
    """
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    batch, channels, *rest = input.shape
    _more_than_one_value((batch * channels // num_groups, num_groups, *rest))
    return _ops.group_norm(input, num_groups, weight, bias, eps)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each sample of ``(N, C, ...)`` (Ulyanov et al., 2016).

    With `use_input_stats` by its own statistics, which the running ones, where given, follow; else by those.

    Raises:
        ValueError: if statistics are wanted of a single value.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.instance_norm(tallow.tensor([[[1.0, 3.0]]])).round().flatten().tolist()
    [-1.0, 1.0]
    """
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    return _ops.instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha * mean(x**2 over size neighbouring channels))**beta`` (Krizhevsky et al., 2012).

    Raises:
        ValueError: if the input has fewer than 3 dimensions.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.local_response_norm(tallow.ones(1, 2, 1), 2, alpha=1.0, beta=1.0).flatten()
    tensor([0.6667, 0.5000])
    """
    if input.dim() < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.dim()} dimensions)")
    if input.numel() == 0:
        return input
    squares = (input * input).flatten(2).unsqueeze(1)
    means = avg_pool2d(pad(squares, (0, 0, size // 2, (size - 1) // 2)), (size, 1), stride=1)
    return input / (means.reshape(input.shape) * alpha + k) ** beta


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """Divide by the p-norm along `dim`, or by `eps` where the norm is smaller.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.normalize(tallow.tensor([[3.0, 4.0]])).sum().item()
    1.4000000953674316
    """
    length = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return input / length if out is None else tallow.div(input, length, out=out)


def _more_than_one_value(shape: Sequence[int]) -> None:
    if shape[0] * math.prod(shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {tallow.Size(list(shape))}"
        )
