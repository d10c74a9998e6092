"""Sampling of images at arbitrary points (Jaderberg et al., Spatial Transformer Networks, 2015).

Composed of gathers and arithmetic, so that gradients of any order follow.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence

import tallow
from tallow import Tensor
from tallow.amp._rules import runs_in_float32

_DEFAULT = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The points that affine maps send the cells of an image to, for :func:`grid_sample`.

    Args:
        theta: ``(N, 2, 3)`` or ``(N, 3, 4)`` matrices.
        size: of the result of the sampling, ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        align_corners: whether -1 and 1 are the centres (True) or the edges of the outermost cells.

    Shapes: the result is ``(N, H, W, 2)`` or ``(N, D, H, W, 3)``.

    Raises:
        ValueError: for a theta of another shape or dtype. NotImplementedError: for a size of other dimensions.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.affine_grid(tallow.eye(2, 3).unsqueeze(0), (1, 1, 1, 2), align_corners=True).tolist()
    [[[[-1.0, 0.0], [1.0, 0.0]]]]
    """
    if align_corners is None:
        warnings.warn(_DEFAULT, stacklevel=2)
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if len(size) not in (4, 5):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {size}"
        )
    spatial = len(size) - 2
    if theta.dim() != 3 or theta.shape[1:] != (spatial, spatial + 1):
        raise ValueError(
            f"Expected a batch of {spatial}D affine matrices of shape Nx{spatial}x{spatial + 1} for size {size}. "
            f"Got {theta.shape}."
        )
    extents = list(size[2:])
    if align_corners and min(extents) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This "
            "is not an intended use case of affine_grid. See the documentation of affine_grid for details.",
            stacklevel=2,
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    points = []
    for d in reversed(range(spatial)):  # x first
        n = extents[d]
        line = tallow.linspace(-1, 1, n, dtype=theta.dtype, device=theta.device) if n > 1 else theta.new_zeros(n)
        if not align_corners:
            line = line * ((n - 1) / n)
        points.append(line.reshape([-1 if i == d else 1 for i in range(spatial)]).expand(extents))
    points.append(theta.new_ones(extents))
    base = tallow.stack(points, -1).reshape(1, math.prod(extents), spatial + 1).expand(theta.size(0), -1, -1)
    return base.bmm(theta.transpose(1, 2)).reshape(theta.size(0), *extents, spatial)


@runs_in_float32
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The values of `input` at the points of `grid`.

    Args:
        input: ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        grid: ``(N, H_out, W_out, 2)`` of (x, y), or ``(N, D_out, H_out, W_out, 3)`` of (x, y, z), from -1 to 1.
        mode: "bilinear" (trilinear in three dimensions), "nearest" or "bicubic" (two dimensions only).
        padding_mode: what lies outside: "zeros", the nearest "border" cell, or the "reflection".
        align_corners: whether -1 and 1 are the centres (True) or the edges of the outermost cells.

    Raises:
        ValueError: for an unknown mode. RuntimeError: for shapes or dtypes that do not fit.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> image, grid = tallow.tensor([[[[0.0, 1.0]]]]), tallow.tensor([[[[0.0, 0.0]]]])
    >>> F.grid_sample(image, grid, align_corners=True).item()
    0.5
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if align_corners is None:
        warnings.warn(_DEFAULT, stacklevel=2)
        align_corners = False
    _check(input, grid, mode)
    extents = list(input.shape[2:])
    # Coordinates in cells, first dimension first.
    at = [_to_cells(grid[..., -1 - d], n, align_corners) for d, n in enumerate(extents)]

    def padded(c: Tensor, n: int) -> Tensor:
        if padding_mode == "reflection":
            c = _reflected(c, n, align_corners)
        return c if padding_mode == "zeros" else c.clamp(0, n - 1)

    sampler = _Sampler(input, grid)
    lines: list[list[tuple[Tensor, Tensor | None]]]
    if mode == "bicubic":
        corner = [c.floor() for c in at]
        weights = [_cubic_weights(c - f.detach()) for c, f in zip(at, corner, strict=True)]
        lines = [
            [(padded(f.detach() + k - 1, n), w[k]) for k in range(4)]
            for f, w, n in zip(corner, weights, extents, strict=True)
        ]
    else:
        at = [padded(c, n) for c, n in zip(at, extents, strict=True)]
        if mode == "nearest":
            lines = [[(c.detach().round(), None)] for c in at]
        else:
            corner = [c.detach().floor() for c in at]
            lines = [[(f, 1 - (c - f)), (f + 1, c - f)] for c, f in zip(at, corner, strict=True)]
    return sampler.sum(lines)


def _check(input: Tensor, grid: Tensor, mode: str) -> None:
    shapes = f"but got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.dtype != grid.dtype:
        raise RuntimeError(
            f"grid_sampler(): expected input and grid to have same dtype, but input has {input.dtype} and grid has "
            f"{grid.dtype}"
        )
    if input.dim() not in (4, 5) or input.dim() != grid.dim():
        raise RuntimeError(f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, {shapes}")
    if input.size(0) != grid.size(0):
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, {shapes}")
    if grid.size(-1) != input.dim() - 2:
        raise RuntimeError(f"grid_sampler(): expected grid to have size {input.dim() - 2} in last dimension, {shapes}")
    if 0 in input.shape[2:]:
        raise RuntimeError(f"grid_sampler(): expected input to have non-empty spatial dimensions, {shapes}")
    if mode == "bicubic" and input.dim() == 5:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


def _to_cells(c: Tensor, n: int, align_corners: bool) -> Tensor:
    return (c + 1) * ((n - 1) / 2) if align_corners else ((c + 1) * n - 1) / 2


def _reflected(c: Tensor, n: int, align_corners: bool) -> Tensor:
    """Folded at the centres or the edges of the outermost cells, as often as it takes."""
    low, span = (0.0, n - 1.0) if align_corners else (-0.5, float(n))
    if span == 0:
        return c * 0
    distance = (c - low).abs()
    # A triangle wave: the distance from the nearest even number of spans.
    return low + span - (distance.remainder(2 * span) - span).abs()


def _cubic_weights(t: Tensor) -> list[Tensor]:
    """Of the cells at -1, 0, 1 and 2 around a point at t (Keys 1981, a = -0.75)."""
    a = -0.75

    def near(x: Tensor) -> Tensor:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


class _Sampler:
    """Sums of cells of the input, weighted, for every point of the grid."""

    def __init__(self, input: Tensor, grid: Tensor) -> None:
        self.flat = input.flatten(2)
        self.extents = list(input.shape[2:])
        self.shape = [*input.shape[:2], *grid.shape[1:-1]]

    def sum(self, lines: Sequence[Sequence[tuple[Tensor, Tensor | None]]]) -> Tensor:
        """`lines` holds, per dimension, the cells of a point along it with their weights (None is 1)."""
        total: Tensor | None = None
        for taps in itertools.product(*lines):
            cell: Tensor | None = None
            weight: Tensor | None = None
            inside: Tensor | None = None
            for (position, w), n in zip(taps, self.extents, strict=True):
                here = (position >= 0) & (position <= n - 1)
                index = position.clamp(0, n - 1).to(tallow.int64).clamp(0, n - 1)
                cell = index if cell is None else cell * n + index
                inside = here if inside is None else inside & here
                if w is not None:
                    weight = w if weight is None else weight * w
            assert cell is not None and inside is not None
            index = cell.reshape(cell.size(0), 1, -1).expand(-1, self.shape[1], -1)
            values = self.flat.gather(2, index).reshape(self.shape)
            part = values.where(inside.unsqueeze(1), values.new_zeros(()))
            if weight is not None:
                part = part * weight.unsqueeze(1)
            total = part if total is None else total + part
        assert total is not None
        return total
