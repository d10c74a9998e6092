"""Resizing of signals, images and volumes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import tallow
from tallow import Tensor, ops

from .adaptive_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

_ops = ops.nn

# mode: how many spatial dimensions it takes, and the name of the weights.
_MODES: dict[str, tuple[tuple[int, ...], str]] = {
    "nearest": ((1, 2, 3), "nearest"),
    "nearest-exact": ((1, 2, 3), "nearest-exact"),
    "area": ((1, 2, 3), "area"),
    "linear": ((1,), "linear"),
    "bilinear": ((2,), "linear"),
    "trilinear": ((3,), "linear"),
    "bicubic": ((2,), "cubic"),
    "lanczos": ((2,), "lanczos"),
}
_SMOOTH = ("bilinear", "bicubic", "lanczos")


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize ``(N, C, L)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)``.

    Args:
        size: of the result's spatial dimensions: a number or one per dimension; or
        scale_factor: how many times the input's.
        mode: "nearest", "nearest-exact", "area"; "linear" (3D input), "bilinear", "bicubic", "lanczos" (4D),
            "trilinear" (5D).
        align_corners: for the interpolating modes: whether the centres (True) or the edges (False, the default) of the
            corner cells of input and result coincide.
        recompute_scale_factor: go by the ratio of the sizes, not by `scale_factor` itself.
        antialias: for "bilinear", "bicubic" and "lanczos": widen the filter where the result is smaller.

    Raises:
        ValueError, NotImplementedError: for arguments that do not fit together.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.interpolate(tallow.tensor([[[0.0, 1.0]]]), 4, mode="linear").tolist()
    [[[0.0, 0.25, 0.75, 1.0]]]
    """
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | "
                "trilinear"
            )
    elif align_corners is None:
        align_corners = False
    spatial = input.dim() - 2
    sizes, scales = _sizes_and_scales(input, size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if recompute_scale_factor or mode == "area":
        scales = (0.0,) * len(scales)
    if antialias and not (mode in _SMOOTH and input.dim() == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    dimensions, weights = _MODES.get(mode, ((), ""))
    if not 1 <= spatial <= 3 or not dimensions:
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.dim()}D) for the modes: "
            f"{' | '.join(_MODES)} (got {mode})"
        )
    if spatial not in dimensions:
        raise NotImplementedError(f"Got {input.dim()}D input, but {mode} mode needs {dimensions[0] + 2}D input")
    if mode == "lanczos":
        if align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[spatial - 1](input, sizes)
    if antialias:
        weights += "-smooth"
    return _resample(input, sizes, weights, bool(align_corners), scales)


def _sizes_and_scales(input: Tensor, size: Any, scale_factor: Any) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """One size per spatial dimension, and the scale where it was given, else 0."""
    spatial = max(input.dim() - 2, 0)
    if (size is None) == (scale_factor is None):
        if size is None:
            raise ValueError("either size or scale_factor should be defined")
        raise ValueError("only one of size or scale_factor should be defined")
    name, given = ("output size", size) if size is not None else ("scale_factor", scale_factor)
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * spatial
    if len(values) != spatial:
        raise ValueError(
            f"Input and {name} must have the same number of spatial dimensions, but got input with spatial dimensions "
            f"of {list(input.shape[2:])} and {name} of {given}"
        )
    if size is None:
        return tuple(int(n * s) for n, s in zip(input.shape[2:], values, strict=True)), tuple(map(float, values))
    if not all(isinstance(v, int) or hasattr(v, "__index__") for v in values):
        raise TypeError(f"expected size to be one int or one per dimension, but got size with types {values!r}")
    return tuple(map(int, values)), (0.0,) * spatial


def _resample(
    input: Tensor, sizes: Sequence[int], weights: str, align_corners: bool, scales: Sequence[float]
) -> Tensor:
    if input.numel() == 0 and 0 in input.shape[1:]:
        raise RuntimeError(
            f"Non-empty {input.dim()}D data tensor expected but got a tensor with sizes {list(input.shape)}"
        )
    x = input.float() if input.dtype == tallow.uint8 else input
    for d, (size, scale) in enumerate(zip(sizes, scales, strict=True)):
        x = _ops.resample(x, d + 2, size, weights, align_corners, scale)
    if input.dtype != tallow.uint8:
        return x
    return x.round().clamp(0, 255).to(tallow.uint8)


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The former name of :func:`interpolate`."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """:func:`interpolate` in mode "nearest", under its former name.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.upsample_nearest(tallow.tensor([[[[1.0, 2.0]]]]), scale_factor=2).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """
    warnings.warn(
        "`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2
    )
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """:func:`interpolate` in mode "bilinear" with aligned corners, under its former name."""
    warnings.warn(
        "`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2
    )
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
