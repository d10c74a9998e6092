"""Channels to pixels, pixels to channels, and channels to other channels: rearrangements, so only reshapes."""

from __future__ import annotations

from tallow import Tensor


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """``(*, C * r**2, H, W)`` to ``(*, C, H * r, W * r)`` (Shi et al., sub-pixel convolution, 2016).

    Raises:
        RuntimeError: for fewer than 3 dimensions, a factor below 1, or channels that r**2 does not divide.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.pixel_shuffle(tallow.arange(4).reshape(4, 1, 1), 2).tolist()
    [[[0, 1], [2, 3]]]
    """
    r = upscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    channels, height, width = input.shape[-3:]
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {r * r}"
        )
    outer = list(input.shape[:-3])
    n = len(outer)
    split = input.reshape([*outer, channels // (r * r), r, r, height, width])
    order = [*range(n), n, n + 3, n + 1, n + 4, n + 2]
    return split.permute(order).reshape([*outer, channels // (r * r), height * r, width * r])


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """``(*, C, H * r, W * r)`` to ``(*, C * r**2, H, W)``: the inverse of :func:`pixel_shuffle`.

    Raises:
        RuntimeError: for fewer than 3 dimensions, a factor below 1, or a height or width that r does not divide.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.pixel_unshuffle(tallow.arange(4).reshape(1, 2, 2), 2).flatten().tolist()
    [0, 1, 2, 3]
    """
    r = downscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            "pixel_unshuffle expects input to have at least 3 dimensions, but got input with "
            f"{input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    channels, height, width = input.shape[-3:]
    for name, extent in (("height", height), ("width", width)):
        if extent % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but {extent} is not divisible "
                f"by {r}"
            )
    outer = list(input.shape[:-3])
    n = len(outer)
    split = input.reshape([*outer, channels, height // r, r, width // r, r])
    order = [*range(n), n, n + 2, n + 4, n + 1, n + 3]
    return split.permute(order).reshape([*outer, channels * r * r, height // r, width // r])


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """``(N, C, *)`` with the channels dealt out anew: channel i of group g comes i * groups + g-th (ShuffleNet, 2018).

    Raises:
        RuntimeError: for fewer than 3 dimensions, or groups that do not divide the channels.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.channel_shuffle(tallow.arange(4).reshape(1, 4, 1), 2).flatten().tolist()
    [0, 2, 1, 3]
    """
    if input.dim() < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    channels = input.size(1)
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    rest = list(input.shape[2:])
    return input.reshape([input.size(0), groups, channels // groups, *rest]).transpose(1, 2).reshape(input.shape)


native_channel_shuffle = channel_shuffle
