# ruff: noqa: E501 - a row of a table is a line
"""Rows of Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import COMPLEX, FLOATING, A, E, S, Sample

NUMBERS = FLOATING + COMPLEX
TOLERANCE = {"float32": (1e-5, 1e-5), "complex64": (1e-5, 1e-5)}
C: dict[str, Any] = dict(dtypes=NUMBERS, tolerance=TOLERANCE, result=None, in_place=False)
R: dict[str, Any] = dict(dtypes=FLOATING, tolerance=TOLERANCE, result=None, in_place=False)
H: dict[str, Any] = dict(dtypes=COMPLEX, tolerance=TOLERANCE, result="real", in_place=False)


def several(name: str) -> Any:
    """NumPy's function of several dimensions, whose argument is axes."""

    def call(x: Any, s: Any = None, dim: Any = None, norm: Any = None) -> Any:
        axes = list(range(x.ndim)) if dim is None else dim
        return getattr(np.fft, name)(x, s, axes, norm)

    return call


def hermitian(x: Any, s: Any = None, dim: Any = None, norm: Any = None) -> Any:
    """hfftn, which NumPy does not have: the other dimensions forward, then the last one."""
    dim = list(range(x.ndim)) if dim is None else dim
    return np.fft.hfft(np.fft.fftn(x, axes=dim[:-1], norm=norm), None if s is None else s[-1], dim[-1], norm)


def anti_hermitian(x: Any, s: Any = None, dim: Any = None, norm: Any = None) -> Any:
    dim = list(range(x.ndim)) if dim is None else dim
    return np.fft.ifftn(np.fft.ihfft(x, None, dim[-1], norm), axes=dim[:-1], norm=norm)


def one_dimension(name: str, kind: dict[str, Any]) -> list[Sample]:
    ref = getattr(np.fft, name)
    call = lambda x, n=None, dim=-1, norm=None: ref(x, n, dim, norm)  # noqa: E731
    return [
        S(f"fft.{name}", (A(3, 8),), ref=call, big=(A(40, 4000),), **kind),
        S(f"fft.{name}", (A(3, 7),), {"norm": "ortho"}, call, **kind),
        S(f"fft.{name}", (A(6, 2),), {"dim": 0, "norm": "forward", "n": 5}, call, **kind),
        S(f"fft.{name}", (A(2, 3),), {"n": 10}, call, **kind),
        S(f"fft.{name}", (A(1, 37),), ref=call, **{**kind, "gradgrad": False}),
    ]


def several_dimensions(name: str, ref: Any, kind: dict[str, Any]) -> list[Sample]:
    two = lambda x, s=None, dim=(-2, -1), norm=None: ref(x, s, list(dim), norm)  # noqa: E731
    return [
        S(f"fft.{name}n", (A(2, 3, 4),), ref=ref, **kind),
        S(f"fft.{name}n", (A(2, 3, 4),), {"dim": [0, 2], "norm": "ortho"}, ref, **kind),
        S(f"fft.{name}2", (A(2, 3, 4),), ref=two, big=(A(3, 60, 400),), **kind),
        S(f"fft.{name}2", (A(3, 4, 2),), {"dim": [1, 0], "norm": "forward"}, two, **kind),
    ]


ROWS: list[Sample] = [
    *one_dimension("fft", C), *one_dimension("ifft", C), *one_dimension("rfft", R), *one_dimension("ihfft", R),
    *one_dimension("irfft", H), *one_dimension("hfft", H),
    *several_dimensions("fft", several("fftn"), C), *several_dimensions("ifft", several("ifftn"), C),
    *several_dimensions("rfft", several("rfftn"), R), *several_dimensions("irfft", several("irfftn"), H),
    *several_dimensions("hfft", hermitian, H), *several_dimensions("ihfft", anti_hermitian, R),
    S("fft.fftn", (A(3, 4),), {"s": [2, 6]}, several("fftn"), **C),
    S("fft.irfftn", (A(3, 4),), {"s": [3, 5]}, several("irfftn"), **H),
    S("fft.fftshift", (A(5, 4),), ref=np.fft.fftshift, in_place=False, out=False),
    S("fft.ifftshift", (A(5, 4), [0]), ref=np.fft.ifftshift, in_place=False, out=False),
    S("fft.fftfreq", (7, 0.5), ref=np.fft.fftfreq, dtypes=("float32",)),
    S("fft.rfftfreq", (8,), ref=np.fft.rfftfreq, dtypes=("float32",)),
]  # fmt: skip

ERRORS = [
    E("fft.fft", (A(),), IndexError, "Dimension specified as -1 but tensor has no dimensions"),
    E("fft.fft", (A(3), 0), RuntimeError, "Invalid number of data points (0) specified"),
    E("fft.fft", (A(3), None, 1), IndexError, "Dimension out of range"),
    E("fft.fft", (A(3),), RuntimeError, 'Invalid normalization mode: "none"', norm="none"),
    E("fft.fft", (A(3, dtype="float16"),), RuntimeError, "Unsupported dtype Half"),
    E("fft.rfft", (A(3, dtype="complex64"),), RuntimeError, "rfft expects a real input tensor, but got ComplexFloat"),
    E("fft.fftn", (A(3, 4),), RuntimeError, "FFT dims must be unique", dim=[0, -2]),
    E("fft.fftn", (A(3),), RuntimeError, "Got shape with 2 values but input tensor only has 1 dimensions.", s=[2, 2]),
    E("fft.fftn", (A(3, 4),), RuntimeError, "When given, dim and shape arguments must have the same length", s=[2], dim=[0, 1]),
    E("fft.irfftn", (A(dtype="complex64"),), RuntimeError, "irfftn must transform at least one axis"),
    E("fft.irfft", (A(1, dtype="complex64"),), RuntimeError, "Invalid number of data points (0) specified"),
]
