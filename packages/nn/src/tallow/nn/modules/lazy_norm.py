"""The normalisations that learn their number of channels from the first input."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Tensor

from ..lazy_parameter import UninitializedBuffer, UninitializedParameter
from .batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from .instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from .lazy import LazyModuleMixin

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]


class _LazyNorm(LazyModuleMixin):
    """A normalisation whose `num_features` is the channels of its first input."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype)
        module: Any = self
        module.affine = affine
        module.track_running_stats = track_running_stats
        factory = {"device": device, "dtype": dtype}
        if affine:
            module.weight = UninitializedParameter(**factory)
            if bias:
                module.bias = UninitializedParameter(**factory)
        if track_running_stats:
            module.running_mean = UninitializedBuffer(**factory)
            module.running_var = UninitializedBuffer(**factory)
            module.num_batches_tracked = tallow.tensor(0, dtype=tallow.int64, device=device)

    def reset_parameters(self) -> None:
        module: Any = self
        if not self.has_uninitialized_params() and module.num_features != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        if not self.has_uninitialized_params():
            return
        module: Any = self
        module.num_features = input.shape[1]
        for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
            if tensor is not None:
                tensor.materialize((module.num_features,))
        module.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):  # type: ignore[misc]
    """A :class:`BatchNorm1d` whose `num_features` is the channels of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> norm = nn.LazyBatchNorm1d()
    >>> _ = norm(tallow.randn(4, 3))
    >>> norm.num_features
    3
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):  # type: ignore[misc]
    """A :class:`BatchNorm2d` whose `num_features` is the channels of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> norm = nn.LazyBatchNorm2d()
    >>> _ = norm(tallow.zeros(2, 3, 4, 4))
    >>> norm
    BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):  # type: ignore[misc]
    """A :class:`BatchNorm3d` whose `num_features` is the channels of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> norm = nn.LazyBatchNorm3d()
    >>> _ = norm(tallow.randn(2, 3, 2, 2, 2))
    >>> norm.num_features
    3
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):  # type: ignore[misc]
    """An :class:`InstanceNorm1d` whose `num_features` is the channels of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> norm = nn.LazyInstanceNorm1d()
    >>> _ = norm(tallow.randn(2, 3, 4))
    >>> norm.num_features
    3
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):  # type: ignore[misc]
    """An :class:`InstanceNorm2d` whose `num_features` is the channels of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> norm = nn.LazyInstanceNorm2d()
    >>> _ = norm(tallow.randn(2, 3, 4, 4))
    >>> norm.num_features
    3
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):  # type: ignore[misc]
    """An :class:`InstanceNorm3d` whose `num_features` is the channels of its first input, and which then is one.

    >>> import tallow
    >>> from tallow import nn
    >>> norm = nn.LazyInstanceNorm3d()
    >>> _ = norm(tallow.randn(2, 3, 2, 2, 2))
    >>> norm.num_features
    3
    """

    cls_to_become = InstanceNorm3d
