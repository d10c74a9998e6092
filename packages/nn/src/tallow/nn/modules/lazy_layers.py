"""The layers that learn their number of inputs from the first one."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Tensor

from ..lazy_parameter import UninitializedParameter
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .lazy import LazyModuleMixin
from .linear import Linear

__all__ = [
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyLinear",
]


class LazyLinear(LazyModuleMixin, Linear):
    """A :class:`Linear` whose `in_features` is the last size of its first input, and which then is one.

    Args:
        out_features: size of each output sample.
        bias: whether to learn an offset. Default: True.

    >>> import tallow
    >>> from tallow import nn
    >>> net = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(2))
    >>> tuple(net(tallow.zeros(3, 5)).shape), net[0].in_features
    ((3, 2), 5)
    """

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        if self.has_uninitialized_params():
            with tallow.no_grad():
                self.in_features = input.shape[-1]
                self.weight.materialize((self.out_features, self.in_features))  # type: ignore[attr-defined]
                if self.bias is not None:
                    self.bias.materialize((self.out_features,))  # type: ignore[attr-defined]
                self.reset_parameters()
        if self.in_features == 0:
            if input.shape[-1] != self.weight.shape[-1]:
                raise AssertionError(
                    f"The in_features inferred from input: {input.shape[-1]} is not equal to in_features from "
                    f"self.weight: {self.weight.shape[-1]}"
                )
            self.in_features = input.shape[-1]


class _LazyConvolution(LazyModuleMixin):
    """What the lazy convolutions share."""

    _dims: int
    _transposed = False

    def _begin(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        """Replace what the layer made for no channels at all."""
        module: Any = self
        module.weight = UninitializedParameter(device=device, dtype=dtype)
        module.out_channels = out_channels
        if bias:
            module.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        module: Any = self
        if not self.has_uninitialized_params() and module.in_channels != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        if not self.has_uninitialized_params():
            return
        module: Any = self
        single = self._dims + 1
        if input.dim() not in (single, single + 1):
            raise RuntimeError(
                f"Expected {single}D (unbatched) or {single + 1}D (batched) input to {type(self).__name__}, "
                f"but got input of size: {input.shape}"
            )
        channels = input.shape[-single]
        if channels % module.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        module.in_channels = channels
        first, second = (channels, module.out_channels) if self._transposed else (module.out_channels, channels)
        module.weight.materialize((first, second // module.groups, *module.kernel_size))
        if module.bias is not None:
            module.bias.materialize((module.out_channels,))
        module.reset_parameters()


class _LazyConv(_LazyConvolution):
    """A convolution whose `in_channels` is that of its first input; the other arguments are the layer's."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
        self._begin(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvolution):
    """A transposed convolution whose `in_channels` is that of its first input."""

    _transposed = True

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode)
        self._begin(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):  # type: ignore[misc]
    """A :class:`Conv1d` whose `in_channels` is that of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.LazyConv1d(8, 3)(tallow.zeros(1, 2, 5)).shape)
    (1, 8, 3)
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):  # type: ignore[misc]
    """A :class:`Conv2d` whose `in_channels` is that of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> conv = nn.LazyConv2d(8, 3)
    >>> tuple(conv(tallow.zeros(1, 3, 5, 5)).shape), conv.in_channels
    ((1, 8, 3, 3), 3)
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):  # type: ignore[misc]
    """A :class:`Conv3d` whose `in_channels` is that of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.LazyConv3d(8, 3)(tallow.zeros(1, 2, 5, 5, 5)).shape)
    (1, 8, 3, 3, 3)
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):  # type: ignore[misc]
    """A :class:`ConvTranspose1d` whose `in_channels` is that of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.LazyConvTranspose1d(8, 3)(tallow.zeros(1, 2, 5)).shape)
    (1, 8, 7)
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):  # type: ignore[misc]
    """A :class:`ConvTranspose2d` whose `in_channels` is that of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.LazyConvTranspose2d(8, 3)(tallow.zeros(1, 2, 5, 5)).shape)
    (1, 8, 7, 7)
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):  # type: ignore[misc]
    """A :class:`ConvTranspose3d` whose `in_channels` is that of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.LazyConvTranspose3d(8, 3)(tallow.zeros(1, 2, 5, 5, 5)).shape)
    (1, 8, 7, 7, 7)
    """

    cls_to_become = ConvTranspose3d
