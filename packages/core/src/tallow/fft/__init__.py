"""Discrete Fourier transforms, as ``torch.fft``.

    >>> import tallow
    >>> tallow.fft.fft(tallow.tensor([1.0, 0.0, 0.0, 0.0])).abs()
    tensor([1., 1., 1., 1.])
"""

from __future__ import annotations

from typing import Any

from tallow._ops import Namespace

_space = Namespace("fft")
__all__ = dir(_space)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tallow.fft' has no attribute '{name}'")
    value = globals()[name] = getattr(_space, name)
    return value


def __dir__() -> list[str]:
    return __all__
