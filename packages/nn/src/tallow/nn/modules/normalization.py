"""Normalisation over the last dimensions, over groups of channels and across channels."""

from __future__ import annotations

import numbers
from typing import Any

import tallow
from tallow import Tensor

from .. import functional as F
from .. import init
from ..parameter import Parameter
from ._affine import Affine
from .module import Module

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


def _shape(sizes: int | list[int] | tuple[int, ...]) -> tuple[int, ...]:
    return (int(sizes),) if isinstance(sizes, numbers.Integral) else tuple(sizes)  # type: ignore[arg-type]


class LayerNorm(Affine):
    """Normalises over the last dimensions (Ba et al., 2016): ``(x - mean) / sqrt(var + eps) * weight + bias``.

    Args:
        normalized_shape: the sizes of the trailing dimensions; one number for the last one.
        eps: added to the variance.
        elementwise_affine: whether there is a learned weight (ones) and, with `bias`, offset (zeros).

    >>> import tallow
    >>> from tallow import nn
    >>> nn.LayerNorm(2)(tallow.tensor([[1.0, 3.0]])).round().tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | list[int] | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._register_affine(self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divides by the root of the mean square over the last dimensions (Zhang and Sennrich, 2019).

    Args:
        normalized_shape: the sizes of the trailing dimensions; one number for the last one.
        eps: added to the mean square. Default: the dtype's machine epsilon.
        elementwise_affine: whether there is a learned weight (ones).

    >>> import tallow
    >>> from tallow import nn
    >>> nn.RMSNorm(2)(tallow.tensor([[3.0, 3.0]])).round().tolist()
    [[1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | list[int] | tuple[int, ...],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = None
        if elementwise_affine:
            weight = Parameter(tallow.empty(self.normalized_shape, device=device, dtype=dtype))
        self.register_parameter("weight", weight)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to ones."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Affine):
    """Normalises groups of channels of each sample of ``(N, C, ...)`` (Wu and He, 2018).

    Args:
        num_groups: how many groups the channels are cut into.
        num_channels: the channels C.
        eps: added to the variance.
        affine: whether there is a learned weight (ones) and, with `bias`, offset (zeros) per channel.

    Raises:
        ValueError: if the groups do not divide the channels.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.GroupNorm(1, 2)(tallow.tensor([[[1.0], [3.0]]])).round().flatten().tolist()
    [-1.0, 1.0]
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._register_affine(num_channels, affine, affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class _AcrossChannels(Module):
    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class LocalResponseNorm(_AcrossChannels):
    """``x / (k + alpha * mean(x**2 over size neighbouring channels))**beta`` (Krizhevsky et al., 2012).

    >>> import tallow
    >>> from tallow import nn
    >>> nn.LocalResponseNorm(2, alpha=1.0, beta=1.0)(tallow.ones(1, 2, 1)).flatten().tolist()
    [0.6666666865348816, 0.5]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)


class CrossMapLRN2d(_AcrossChannels):
    """:class:`LocalResponseNorm` of ``(N, C, H, W)`` with a window centred on the channel.

    The first channel counts in every window, as it does in torch.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.CrossMapLRN2d(3)(tallow.ones(1, 4, 2, 2)).shape)
    (1, 4, 2, 2)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        reach = (self.size - 1) // 2
        squares = input * input
        padded = F.pad(squares.flatten(2).unsqueeze(1), (0, 0, reach, reach))
        sums = F.avg_pool2d(padded, (2 * reach + 1, 1), stride=1, divisor_override=1).reshape(input.shape)
        # In torch the first channel, once in the sliding window, never leaves it, and networks were trained so.
        beyond = tallow.arange(input.size(1), device=input.device) > reach
        sums = sums + squares[:, :1] * beyond.reshape(1, -1, 1, 1).to(input.dtype)
        return input * (sums * (self.alpha / self.size) + self.k) ** -self.beta
