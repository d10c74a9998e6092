"""Blocks of an image as columns, and back: each is the other's adjoint."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Tensor

from .pad import pad

_Pair = int | tuple[int, ...] | list[int]


def _pair(value: _Pair, name: str) -> tuple[int, int]:
    both = (value, value) if isinstance(value, int) else tuple(value)
    if len(both) != 2:
        raise RuntimeError(f"It is expected {name} equals to 2 numbers, but got size {len(both)}")
    return both[0], both[1]


class _Blocks:
    """Where the blocks of an image of `size` lie."""

    def __init__(
        self, op: str, size: tuple[int, int], kernel: _Pair, dilation: _Pair, padding: _Pair, stride: _Pair
    ) -> None:
        self.kernel, self.dilation = _pair(kernel, "kernel_size"), _pair(dilation, "dilation")
        self.padding, self.stride = _pair(padding, "padding"), _pair(stride, "stride")
        for name in ("kernel", "dilation", "stride"):
            if min(getattr(self, name)) <= 0:
                raise RuntimeError(f"{op}: {name} should be greater than zero, but got {getattr(self, name)}")
        if min(self.padding) < 0:
            raise RuntimeError(f"{op}: padding should be non-negative, but got {self.padding}")
        self.padded = tuple(n + 2 * p for n, p in zip(size, self.padding, strict=True))
        self.count = tuple(
            (n - d * (k - 1) - 1) // s + 1
            for n, k, d, s in zip(self.padded, self.kernel, self.dilation, self.stride, strict=True)
        )
        if min(self.count) < 1:
            raise RuntimeError(
                f"{op}: Given input with spatial size {size}, kernel_size={self.kernel}, dilation={self.dilation}, "
                f"padding={self.padding}, stride={self.stride}, the array of sliding blocks is {self.count}, "
                "but its components must be at least one"
            )

    def cells(self, d: int, device: Any) -> Tensor:
        """Along dimension `d` of the padded image: the cell of each tap of the kernel in each block."""
        taps = tallow.arange(self.kernel[d], device=device) * self.dilation[d]
        blocks = tallow.arange(self.count[d], device=device) * self.stride[d]
        return (taps.unsqueeze(1) + blocks).flatten()


def unfold(input: Tensor, kernel_size: _Pair, dilation: _Pair = 1, padding: _Pair = 0, stride: _Pair = 1) -> Tensor:
    """The blocks that a convolution would look at, as columns.

    Shapes: ``(N, C, H, W)`` or ``(C, H, W)`` to ``(N, C * kH * kW, blocks)`` or without the N.

    Raises:
        RuntimeError: for shapes, or if no block fits.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.unfold(tallow.arange(4.0).reshape(1, 2, 2), (1, 2)).tolist()
    [[0.0, 2.0], [1.0, 3.0]]
    """
    if input.dim() not in (3, 4) or 0 in input.shape[-3:]:
        raise RuntimeError(
            "unfold: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions "
            f"for input, but got: {list(input.shape)}"
        )
    blocks = _Blocks("unfold", (input.size(-2), input.size(-1)), kernel_size, dilation, padding, stride)
    rows, columns = blocks.padding
    image = pad(input, (columns, columns, rows, rows)) if rows or columns else input
    taken = image.index_select(-2, blocks.cells(0, input.device)).index_select(-1, blocks.cells(1, input.device))
    (kh, kw), (height, width) = blocks.kernel, blocks.count
    split = taken.reshape([*input.shape[:-2], kh, height, kw, width]).transpose(-3, -2)
    return split.reshape([*input.shape[:-3], input.size(-3) * kh * kw, height * width])


def fold(
    input: Tensor,
    output_size: _Pair,
    kernel_size: _Pair,
    dilation: _Pair = 1,
    padding: _Pair = 0,
    stride: _Pair = 1,
) -> Tensor:
    """Sums columns, as :func:`unfold` makes them, into an image of `output_size`.

    Shapes: ``(N, C * kH * kW, blocks)`` or without the N to ``(N, C, *output_size)`` or without the N.

    Raises:
        RuntimeError: for shapes that do not fit.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.fold(F.unfold(tallow.ones(1, 1, 3), (1, 2)), (1, 3), (1, 2)).tolist()
    [[[1.0, 2.0, 1.0]]]
    """
    size = _pair(output_size, "output_size")
    if input.dim() not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "fold: Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions "
            f"for input, but got: {list(input.shape)}"
        )
    blocks = _Blocks("fold", size, kernel_size, dilation, padding, stride)
    (kh, kw), (height, width) = blocks.kernel, blocks.count
    if input.size(-2) % (kh * kw):
        raise RuntimeError(
            "fold: Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={input.size(-2)} and kernel_size={blocks.kernel}"
        )
    if input.size(-1) != height * width:
        raise RuntimeError(
            f"fold: Given output_size={size}, kernel_size={blocks.kernel}, dilation={blocks.dilation}, "
            f"padding={blocks.padding}, stride={blocks.stride}, expected size of input's dimension 2 to match the "
            f"calculated number of sliding blocks {height} * {width} = {height * width}, but got "
            f"input.size(2)={input.size(-1)}"
        )
    outer = [*input.shape[:-2], input.size(-2) // (kh * kw)]
    taken = input.reshape([*outer, kh, kw, height, width]).transpose(-3, -2).reshape([*outer, kh * height, kw * width])
    padded_height, padded_width = blocks.padded
    wide = taken.new_zeros([*outer, kh * height, padded_width]).index_add(-1, blocks.cells(1, input.device), taken)
    image = wide.new_zeros([*outer, padded_height, padded_width]).index_add(-2, blocks.cells(0, input.device), wide)
    rows, columns = blocks.padding
    return image.narrow(-2, rows, size[0]).narrow(-1, columns, size[1])
