"""Pooling to a given size, by powers, and over random windows."""

from __future__ import annotations

from typing import Any

from tallow import Tensor

from .. import functional as F
from ._arguments import Ints, each
from .module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
]


class _AdaptiveAvgPoolNd(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """:class:`AdaptiveAvgPool2d` of ``(N, C, L)`` or ``(C, L)``.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.AdaptiveAvgPool1d(2)(tallow.arange(4.0).reshape(1, 4)).tolist()
    [[0.5, 2.5]]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Means over windows chosen so that the result is `output_size`: a number, or (height, width); None keeps a size.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.AdaptiveAvgPool2d(1)(tallow.arange(4.0).reshape(1, 1, 2, 2)).item()
    1.5
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """:class:`AdaptiveAvgPool2d` of ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.AdaptiveAvgPool3d(1)(tallow.arange(8.0).reshape(1, 2, 2, 2)).item()
    3.5
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPoolNd(Module):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """:class:`AdaptiveMaxPool2d` of ``(N, C, L)`` or ``(C, L)``.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.AdaptiveMaxPool1d(2)(tallow.arange(4.0).reshape(1, 4)).tolist()
    [[1.0, 3.0]]
    """

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Maxima of windows chosen so that the result is `output_size`: a number, or (height, width); None keeps a size.

    With `return_indices` also where they were, as flat positions in each plane.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.AdaptiveMaxPool2d(1)(tallow.arange(4.0).reshape(1, 1, 2, 2)).item()
    3.0
    """

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """:class:`AdaptiveMaxPool2d` of ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.AdaptiveMaxPool3d(1)(tallow.arange(8.0).reshape(1, 2, 2, 2)).item()
    7.0
    """

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class _LPPoolNd(Module):
    def __init__(
        self, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def _pool(self, pool: Any, input: Tensor) -> Tensor:
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPoolNd):
    """:class:`LPPool2d` of ``(N, C, L)`` or ``(C, L)``.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.LPPool1d(2, 2)(tallow.tensor([[3.0, 4.0]])).item()
    5.0
    """

    def forward(self, input: Tensor) -> Tensor:
        return self._pool(F.lp_pool1d, input)


class LPPool2d(_LPPoolNd):
    """The p-th root of the sum of p-th powers of each window; `norm_type` is p, infinity included.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.LPPool2d(2, 2)(tallow.tensor([[[3.0, 0.0], [0.0, 4.0]]])).item()
    5.0
    """

    def forward(self, input: Tensor) -> Tensor:
        return self._pool(F.lp_pool2d, input)


class LPPool3d(_LPPoolNd):
    """:class:`LPPool2d` of ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.LPPool3d(1, 2)(tallow.ones(1, 2, 2, 2)).item()
    8.0
    """

    def forward(self, input: Tensor) -> Tensor:
        return self._pool(F.lp_pool3d, input)


class _FractionalMaxPoolNd(Module):
    _spatial: int

    def __init__(
        self,
        kernel_size: Ints,
        output_size: Ints | None = None,
        output_ratio: float | tuple[float, ...] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if (isinstance(kernel_size, int) and kernel_size <= 0) or (
            isinstance(kernel_size, (tuple, list)) and not all(k > 0 for k in kernel_size)
        ):
            raise ValueError(f"kernel_size must greater than zero for {name}, but got {kernel_size}")
        self.kernel_size = each(kernel_size, self._spatial)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else each(output_size, self._spatial)
        self.output_ratio = None if output_ratio is None else each(output_ratio, self._spatial)
        if self.output_size is None and self.output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if self.output_size is not None and self.output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def _pool(self, pool: Any, input: Tensor) -> Any:
        return pool(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """Maxima of windows at random, roughly even distances (B. Graham, Fractional Max-Pooling, 2014).

    Args:
        kernel_size: of each window, one number or (height, width).
        output_size: of the result; or `output_ratio`, between 0 and 1, of the input's size.
        return_indices: also return where the maxima were, as flat positions in each plane.

    Raises:
        ValueError: unless exactly one of output_size and output_ratio is given.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.FractionalMaxPool2d(2, output_ratio=0.5)(tallow.rand(1, 3, 10, 8)).shape)
    (1, 3, 5, 4)
    """

    _spatial = 2

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.fractional_max_pool2d, input)


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """:class:`FractionalMaxPool2d` of ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.FractionalMaxPool3d(2, output_size=3)(tallow.rand(1, 3, 8, 8, 8)).shape)
    (1, 3, 3, 3, 3)
    """

    _spatial = 3

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.fractional_max_pool3d, input)
