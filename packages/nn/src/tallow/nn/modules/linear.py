"""Identity and the affine maps."""

from __future__ import annotations

import math
from typing import Any

import tallow
from tallow import Tensor

from .. import functional as F
from .. import init
from ..parameter import Parameter
from .module import Module

__all__ = ["Bilinear", "Identity", "Linear"]


class Identity(Module):
    """Returns its input. Any arguments are taken and ignored.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.Identity(54, unused=True)(tallow.ones(2)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """``y = x @ weight.T + bias``.

    Args:
        in_features: size of each input sample.
        out_features: size of each output sample.
        bias: whether to learn an offset. Default: True.

    Shapes: input ``(*, in_features)``, output ``(*, out_features)``, weight ``(out_features, in_features)``.
    Both parameters start uniform in ``±1/sqrt(in_features)``.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.Linear(20, 30)(tallow.randn(128, 20)).shape)
    (128, 30)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(tallow.empty((out_features, in_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(tallow.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        # a = sqrt(5) makes the bound of He et al. (2015) 1/sqrt(fan_in).
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class NonDynamicallyQuantizableLinear(Linear):
    """A :class:`Linear` that dynamic quantization leaves alone: the output projection of attention."""


class Bilinear(Module):
    """``y[k] = x1.T @ weight[k] @ x2 + bias[k]``.

    Args:
        in1_features, in2_features: sizes of the two inputs.
        out_features: size of the result.
        bias: whether to learn an offset. Default: True.

    Shapes: inputs ``(*, in1_features)`` and ``(*, in2_features)``, output ``(*, out_features)``, weight
    ``(out_features, in1_features, in2_features)``. Both parameters start uniform in ``±1/sqrt(in1_features)``.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.Bilinear(20, 30, 40)(tallow.randn(8, 20), tallow.randn(8, 30)).shape)
    (8, 40)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        shape = (out_features, in1_features, in2_features)
        self.weight = Parameter(tallow.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(tallow.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / math.sqrt(self.in1_features)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )
