"""Batch normalisation."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Tensor

from .. import functional as F
from ._affine import Affine
from .module import Module

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"]


class _NormBase(Affine):
    """What batch and instance normalisation share: parameters, running statistics and their state."""

    _version = 2

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._register_affine(num_features, affine, affine and bias, device, dtype)
        track = track_running_stats
        self.register_buffer("running_mean", tallow.zeros(num_features, device=device, dtype=dtype) if track else None)
        self.register_buffer("running_var", tallow.ones(num_features, device=device, dtype=dtype) if track else None)
        self.register_buffer(
            "num_batches_tracked", tallow.tensor(0, dtype=tallow.int64, device=device) if track else None
        )
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the running statistics."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the running statistics; set weight to ones and bias to zeros."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(self, state_dict: dict, prefix: str, local_metadata: dict, *args: Any) -> None:
        # Version 1 had no num_batches_tracked.
        version = local_metadata.get("version")
        key = prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            state_dict[key] = tallow.zeros_like(self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


class _BatchNorm(_NormBase):
    """Batch normalisation over any number of dimensions (Ioffe and Szegedy, 2015)."""

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # a cumulative instead of a moving average
                factor = 1.0 / float(self.num_batches_tracked)
        # Statistics of the batch are used in training, and where there are no running ones.
        use_batch = self.training or (self.running_mean is None and self.running_var is None)
        track = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if track else None,
            self.running_var if track else None,
            self.weight,
            self.bias,
            use_batch,
            factor,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of ``(N, C)`` or ``(N, C, L)`` per channel.

    Args:
        num_features: the channels C.
        eps: added to the variance.
        momentum: weight of the new batch in the running statistics; None for the cumulative average.
        affine: whether there is a learned weight and, with `bias`, offset per channel.
        track_running_stats: whether to keep running statistics, used in evaluation.

    Raises:
        ValueError: if the input has not 2 or 3 dimensions.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.BatchNorm1d(3)(tallow.randn(4, 3)).shape)
    (4, 3)
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.dim()}D input)")


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of ``(N, C, H, W)`` per channel; arguments as in :class:`BatchNorm1d`.

    Raises:
        ValueError: if the input has not 4 dimensions.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.BatchNorm2d(3)(tallow.randn(2, 3, 4, 4)).shape)
    (2, 3, 4, 4)
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() != 4:
            raise ValueError(f"expected 4D input (got {input.dim()}D input)")


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of ``(N, C, D, H, W)`` per channel; arguments as in :class:`BatchNorm1d`.

    Raises:
        ValueError: if the input has not 5 dimensions.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.BatchNorm3d(3)(tallow.randn(2, 3, 2, 2, 2)).shape)
    (2, 3, 2, 2, 2)
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() != 5:
            raise ValueError(f"expected 5D input (got {input.dim()}D input)")


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation of ``(N, C, ...)`` that takes its statistics over all processes of a group.

    In one process, where no group has been started, it is plain batch normalisation.

    Args:
        process_group: whose processes take part; None for all.

    Raises:
        ValueError: if the input has fewer than 2 dimensions, or no channels.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.SyncBatchNorm(3)(tallow.randn(2, 3, 4)).shape)
    (2, 3, 4)
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")
        if input.size(1) == 0:
            raise ValueError("SyncBatchNorm number of input channels should be non-zero")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """`module` with every batch normalisation in it replaced by a :class:`SyncBatchNorm` of the same state.

        >>> from tallow import nn
        >>> nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm2d(3)))[0].__class__.__name__
        'SyncBatchNorm'
        """
        result: Module = module
        if isinstance(module, _BatchNorm):
            result = cls(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
                bias=module.bias is not None,
            )
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                setattr(result, name, getattr(module, name))
            result.training = module.training
        for name, child in module.named_children():
            result.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return result
