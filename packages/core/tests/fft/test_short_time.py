"""stft, istft and windows, against their definitions."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np
import pytest

import tallow as T

rng = np.random.default_rng(5)


def frames_of(x: np.ndarray, n_fft: int, hop: int, window: np.ndarray) -> np.ndarray:
    count = 1 + (len(x) - n_fft) // hop
    return np.stack([x[i * hop : i * hop + n_fft] * window for i in range(count)])


def padded(window: np.ndarray, n_fft: int) -> np.ndarray:
    left = (n_fft - len(window)) // 2
    return np.pad(window, (left, n_fft - len(window) - left))


CASES = list(itertools.product([8, 9], [2, 3], [5, None], [True, False], ["reflect", "constant", "wrap", "edge"]))


@pytest.mark.parametrize(("n_fft", "hop", "win", "center", "mode"), CASES)
def test_definition_and_inverse(n_fft: int, hop: int, win: int | None, center: bool, mode: str) -> None:
    x = rng.standard_normal(50)
    window = np.hanning((win or n_fft) + 3)[1:-2] + 0.1
    name = {"wrap": "circular", "edge": "replicate"}.get(mode, mode)
    options: dict[str, Any] = dict(hop_length=hop, win_length=win, window=T.from_numpy(window), center=center)
    got = T.stft(T.from_numpy(x), n_fft, pad_mode=name, return_complex=True, **options)
    signal = np.pad(x, n_fft // 2, mode=mode) if center else x
    want = np.fft.rfft(frames_of(signal, n_fft, hop, padded(window, n_fft))).T
    np.testing.assert_allclose(got.numpy(), want, atol=1e-12)
    pairs = T.stft(T.from_numpy(x), n_fft, pad_mode=name, return_complex=False, **options)
    assert T.equal(T.view_as_complex(pairs), got)
    if center:
        np.testing.assert_allclose(T.istft(got, n_fft, length=48, **options).numpy(), x[:48], atol=1e-10)


def test_batches_two_sides_and_complex_signals() -> None:
    x = T.from_numpy(rng.standard_normal((2, 40)))
    w = T.hann_window(8, dtype=T.float64)
    whole = x.stft(8, window=w, onesided=False, normalized=True, return_complex=True)
    assert whole.shape == (2, 8, 21)
    assert T.allclose(whole.istft(8, window=w, onesided=False, normalized=True), x)
    z = T.complex(x, x.flip(1))
    spectrum = T.stft(z, 8, window=w)
    assert T.allclose(T.istft(spectrum, 8, window=w, return_complex=True), z)
    short = T.stft(x, 8, win_length=4, window=w[::2], center=False, align_to_window=True, return_complex=True)
    assert short.shape[2] == T.stft(x, 8, win_length=4, window=w[::2], center=False, return_complex=True).shape[2] + 2


def test_what_does_not_fit_is_refused() -> None:
    x, w = T.ones(20), T.hann_window(8)
    spectrum = T.stft(x, 8, window=w, return_complex=True)
    for message, call in {
        "requires the return_complex parameter": lambda: T.stft(x, 8),
        "expected a 1D or 2D tensor": lambda: T.stft(T.ones(2, 2, 2), 8, return_complex=True),
        "expected 0 < n_fft <= 20": lambda: T.stft(x, 21, center=False, return_complex=True),
        "hop_length > 0": lambda: T.stft(x, 8, 0, return_complex=True),
        "0 < win_length <= n_fft": lambda: T.stft(x, 8, 2, 9, return_complex=True),
        "window tensor of size equal to": lambda: T.stft(x, 8, window=T.ones(7), return_complex=True),
        "Cannot have onesided": lambda: T.stft(T.complex(x, x), 8, onesided=True),
        "floating point or complex": lambda: T.stft(T.arange(20), 8, return_complex=True),
        "align_to_window": lambda: T.stft(x, 8, align_to_window=True, return_complex=True),
        "Padding size should be less": lambda: T.stft(T.ones(4), 8, return_complex=True),
        "requires a complex-valued": lambda: T.istft(x, 8),
        "frequency dimension": lambda: T.istft(spectrum, 12),
        "window overlap add min": lambda: T.istft(spectrum, 8, window=w, center=False),
    }.items():
        with pytest.raises(RuntimeError, match=message):
            call()
    with pytest.raises(NotImplementedError, match="Unrecognised padding mode"):
        T.stft(x, 8, pad_mode="mirror", return_complex=True)


def test_a_longer_signal_ends_in_zeros() -> None:
    x, w = T.rand(20), T.hann_window(8)
    with pytest.warns(UserWarning, match="padded with zeros in the tail"):
        y = T.istft(T.stft(x, 8, window=w, return_complex=True), 8, window=w, length=30)
    assert y.shape == (30,) and bool((y[-4:] == 0).all())


# ---------------------------------------------------------------- windows
def cosines(n: np.ndarray, whole: float, *a: float) -> np.ndarray:
    return sum((-1) ** i * c * np.cos(2 * math.pi * i * n / whole) for i, c in enumerate(a))


FORMULAS: dict[str, Any] = {
    "bartlett": lambda n, whole: 1 - np.abs(2 * n / whole - 1),
    "blackman": lambda n, whole: cosines(n, whole, 0.42, 0.5, 0.08),
    "cosine": lambda n, whole: np.sin(math.pi * (n + 0.5) / (whole + 1)),
    "exponential": lambda n, whole: np.exp(-np.abs(n - whole / 2)),
    "gaussian": lambda n, whole: np.exp(-((n - whole / 2) ** 2) / 2),
    "general_hamming": lambda n, whole: cosines(n, whole, 0.54, 0.46),
    "hamming": lambda n, whole: cosines(n, whole, 0.54, 0.46),
    "hann": lambda n, whole: cosines(n, whole, 0.5, 0.5),
    "kaiser": lambda n, whole: np.i0(12 * np.sqrt(np.maximum(0, 1 - (2 * n / whole - 1) ** 2))) / np.i0(12.0),
    "nuttall": lambda n, whole: cosines(n, whole, 0.3635819, 0.4891775, 0.1365995, 0.0106411),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_windows(name: str) -> None:
    make = getattr(T.signal.windows, name)
    for m, sym in itertools.product((5, 8), (True, False)):
        want = FORMULAS[name](np.arange(m), m - 1 if sym else m)
        np.testing.assert_allclose(make(m, sym=sym, dtype=T.float64).numpy(), want, atol=1e-12)
    assert make(0).shape == (0,) and make(1).tolist() == [1.0]
    assert make(3, device="meta").device.type == "meta"
    with pytest.raises(ValueError, match="requires non-negative window length, got M=-1"):
        make(-1)
    with pytest.raises(ValueError, match="expects float32 or float64 dtypes"):
        make(4, dtype=T.float16)


def test_parameters_of_windows_and_old_names() -> None:
    w = T.signal.windows
    for message, call in {
        "Tau must be positive": lambda: w.exponential(3, tau=0),
        "Center must be None": lambda: w.exponential(3, center=1),
        "Standard deviation": lambda: w.gaussian(3, std=-1.0),
        "beta must be non-negative": lambda: w.kaiser(3, beta=-1.0),
        "Coefficients cannot be empty": lambda: w.general_cosine(3, a=[]),
    }.items():
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="must be a list/tuple"):
        w.general_cosine(3, a=1.0)
    for name in ("bartlett", "blackman", "hamming", "hann", "kaiser"):
        old, new = getattr(T, f"{name}_window"), getattr(w, name)
        assert T.equal(old(6), new(6, sym=False)) and T.equal(old(6, False), new(6))
        assert old(6, dtype=T.float16).dtype == T.float16
    assert T.allclose(T.hamming_window(4, alpha=0.6, beta=0.4), w.general_cosine(4, a=[0.6, 0.4], sym=False))
    with warnings.catch_warnings(), pytest.raises(RuntimeError, match="requires non-negative window_length"):
        T.hann_window(-1)
