"""Instance normalisation."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from tallow import Tensor

from .. import functional as F
from .batchnorm import _NormBase

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


class _InstanceNorm(_NormBase):
    """Normalises each channel of each sample; `_spatial` is the number of dimensions after the channel."""

    _spatial: ClassVar[int]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _get_no_batch_dim(self) -> int:
        return self._spatial + 1

    def _check_input_dim(self, input: Tensor) -> None:
        single = self._get_no_batch_dim()
        if input.dim() not in (single, single + 1):
            raise ValueError(f"expected {single}D or {single + 1}D input (got {input.dim()}D input)")

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        single = input.dim() == self._get_no_batch_dim()
        dim = 0 if single else 1
        if input.size(dim) != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features ({self.num_features}), "
                    f"but got: {input.size(dim)}."
                )
            warnings.warn(
                f"input's size at dim={dim} does not match num_features. You can silence this warning by not passing "
                "in num_features, which is not used because affine=False",
                stacklevel=2,
            )
        return self._normalized(input.unsqueeze(0)).squeeze(0) if single else self._normalized(input)

    def _normalized(self, input: Tensor) -> Tensor:
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )

    def _load_from_state_dict(
        self,
        state_dict: dict,
        prefix: str,
        local_metadata: dict,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        # Before version 1 there were running statistics even where none were asked for.
        old = [prefix + name for name in ("running_mean", "running_var") if prefix + name in state_dict]
        if local_metadata.get("version") is None and not self.track_running_stats and old:
            error_msgs.append(
                f"Unexpected running stats buffer(s) {' and '.join(map(repr, old))} for {type(self).__name__} with "
                "track_running_stats=False. Remove these keys from the state_dict, or set track_running_stats=True."
            )
            for key in old:
                del state_dict[key]
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of ``(N, C, L)`` or ``(C, L)`` (Ulyanov et al., 2016).

    Args:
        num_features: the channels C.
        eps: added to the variance.
        momentum: weight of the new batch in the running statistics.
        affine: whether there is a learned weight and, with `bias`, offset per channel.
        track_running_stats: whether to keep running statistics and use them in evaluation.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.InstanceNorm1d(1)(tallow.tensor([[1.0, 3.0]])).round().tolist()
    [[-1.0, 1.0]]
    """

    _spatial = 1


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of ``(N, C, H, W)`` or ``(C, H, W)``; arguments as in :class:`InstanceNorm1d`.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.InstanceNorm2d(3)(tallow.randn(2, 3, 4, 4)).shape)
    (2, 3, 4, 4)
    """

    _spatial = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of ``(N, C, D, H, W)`` or ``(C, D, H, W)``; arguments as in :class:`InstanceNorm1d`.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.InstanceNorm3d(3)(tallow.randn(2, 3, 2, 2, 2)).shape)
    (2, 3, 2, 2, 2)
    """

    _spatial = 3
