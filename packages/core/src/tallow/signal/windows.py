"""Window functions, as ``torch.signal.windows``: `M` values, symmetric (for filters) or periodic (for spectra).

All take `M`, the number of values; `sym`, False for the first M values of the symmetric window of M + 1; and the usual
`dtype` (float32 or float64), `layout`, `device` and `requires_grad`. They raise ValueError for a negative `M`, another
dtype or layout, and parameters out of range. Formulas: F. J. Harris, "On the use of windows for harmonic analysis with
the discrete Fourier transform", 1978; A. H. Nuttall, "Some windows with very good sidelobe behavior", 1981.

    >>> import tallow
    >>> tallow.signal.windows.hann(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import tallow
from tallow import Tensor

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming",
    "hann", "kaiser", "nuttall",
]  # fmt: skip


def _steps(name: str, M: int, first: float, step: float, options: dict[str, Any]) -> Tensor:
    """``first + step * (0, 1, ..., M - 1)``, after the checks that all windows share."""
    dtype = options.get("dtype") or tallow.get_default_dtype()
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if options.get("layout", tallow.strided) is not tallow.strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {options['layout']}")
    if dtype not in (tallow.float32, tallow.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return tallow.linspace(first, first + (M - 1) * step, M, **{**options, "requires_grad": False, "dtype": dtype})


def _finish(window: Tensor, options: dict[str, Any]) -> Tensor:
    return window.requires_grad_() if options.get("requires_grad") else window


def _spacing(whole: float, M: int, sym: bool) -> float:
    """What separates the values of a window that is `whole` long from its first value to its last."""
    return whole / max(M - 1 if sym else M, 1)


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, **options: Any) -> Tensor:
    """``exp(-|n - center| / tau)``; the center is the middle, and may be chosen where `sym` is False."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    middle = (M if not sym and M > 1 else M - 1) / 2 if center is None else center
    return _finish((-_steps("exponential", M, -middle / tau, 1 / tau, options).abs()).exp(), options)


def cosine(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """``sin(pi (n + 1/2) / M)``."""
    step = math.pi / max(M + 1 if not sym and M > 1 else M, 1)
    return _finish(_steps("cosine", M, step / 2, step, options).sin(), options)


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Any) -> Tensor:
    """``exp(-(n - middle)^2 / (2 std^2))``."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    step = 1 / (std * math.sqrt(2))
    middle = (M if not sym and M > 1 else M - 1) / 2
    return _finish((-_steps("gaussian", M, -middle * step, step, options).square()).exp(), options)


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Any) -> Tensor:
    """``I0(beta sqrt(1 - x^2)) / I0(beta)`` for x from -1 to 1 (Kaiser, 1974); `beta` is not negative."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    x = _steps("kaiser", M, -beta, _spacing(2 * beta, M, sym), options)
    if M == 1:
        return _finish(tallow.ones_like(x), options)
    inside = (beta * beta - x.square()).clamp(min=0)  # a rounding may leave the interval
    top = tallow.tensor(beta, dtype=x.dtype, device=x.device)
    return _finish(tallow.i0(inside.sqrt()) / tallow.i0(top), options)


def general_cosine(M: int, *, a: Iterable[float], sym: bool = True, **options: Any) -> Tensor:
    """``sum_i (-1)^i a[i] cos(2 pi i n / (M - 1))``."""
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    weights = list(a)
    if not weights:
        raise ValueError("Coefficients cannot be empty")
    x = _steps("general_cosine", M, 0.0, _spacing(2 * math.pi, M, sym), options)
    if M == 1:
        return _finish(tallow.ones_like(x), options)
    window = tallow.full_like(x, weights[0])
    for i, weight in enumerate(weights[1:], 1):
        window += (x * i).cos() * (weight if i % 2 == 0 else -weight)
    return _finish(window, options)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any) -> Tensor:
    """``alpha - (1 - alpha) cos(2 pi n / (M - 1))``."""
    return general_cosine(M, a=[alpha, 1 - alpha], sym=sym, **options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """``0.54 - 0.46 cos(2 pi n / (M - 1))``."""
    return general_hamming(M, sym=sym, **options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """``1/2 - 1/2 cos(2 pi n / (M - 1))``."""
    return general_hamming(M, alpha=0.5, sym=sym, **options)


def blackman(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """``0.42 - 0.5 cos(2 pi n / (M - 1)) + 0.08 cos(4 pi n / (M - 1))``."""
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, **options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Nuttall's window of four cosine terms."""
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, **options)


def bartlett(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """A triangle from zero to zero."""
    x = _steps("bartlett", M, -1.0, _spacing(2.0, M, sym), options)
    return _finish(tallow.ones_like(x) if M == 1 else 1 - x.abs(), options)
