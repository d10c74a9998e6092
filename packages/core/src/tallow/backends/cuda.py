"""CUDA's libraries: not in this build. Their switches can be set, as programs do before they know where they run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class _Matmul:
    """Switches of matrix products."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True


matmul = _Matmul()


def is_built() -> bool:
    """Whether this build could use CUDA."""
    return False


_attention = {"flash": True, "math": True, "mem_efficient": True, "cudnn": True}


def flash_sdp_enabled() -> bool:
    """Whether attention may run in tiles."""
    return _attention["flash"]


def enable_flash_sdp(enabled: bool) -> None:
    """Sets it; results do not depend on it."""
    _attention["flash"] = enabled


def mem_efficient_sdp_enabled() -> bool:
    """Whether attention may save memory."""
    return _attention["mem_efficient"]


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Sets it; results do not depend on it."""
    _attention["mem_efficient"] = enabled


def math_sdp_enabled() -> bool:
    """Whether attention may be written out."""
    return _attention["math"]


def enable_math_sdp(enabled: bool) -> None:
    """Sets it; results do not depend on it."""
    _attention["math"] = enabled


def cudnn_sdp_enabled() -> bool:
    """Whether attention may be cuDNN's."""
    return _attention["cudnn"]


def enable_cudnn_sdp(enabled: bool) -> None:
    """Sets it; results do not depend on it."""
    _attention["cudnn"] = enabled


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
) -> Iterator[None]:
    """These switches for a block.

    >>> import tallow
    >>> with tallow.backends.cuda.sdp_kernel(enable_flash=False):
    ...     tallow.backends.cuda.flash_sdp_enabled()
    False
    """
    before = dict(_attention)
    _attention.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
    try:
        yield
    finally:
        _attention.update(before)
