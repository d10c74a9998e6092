"""Short-time Fourier transforms and the windows for them."""

from __future__ import annotations

import warnings
from typing import Any

import tallow
from tallow import Tensor
from tallow.signal import windows


# ---------------------------------------------------------------- windows
def _periodic(name: str, make: Any, length: int, periodic: bool, options: dict[str, Any]) -> Tensor:
    dtype = options.pop("dtype", None) or tallow.get_default_dtype()
    options.pop("pin_memory", None)
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    wide = dtype if dtype in (tallow.float32, tallow.float64) else tallow.float32
    requires_grad = options.pop("requires_grad", False)
    window = make(length, sym=not periodic, dtype=wide, **options).to(dtype)
    return window.requires_grad_() if requires_grad else window


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """:func:`tallow.signal.windows.bartlett`, periodic by default."""
    return _periodic("bartlett_window", windows.bartlett, window_length, periodic, options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """:func:`tallow.signal.windows.blackman`, periodic by default."""
    return _periodic("blackman_window", windows.blackman, window_length, periodic, options)


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """:func:`tallow.signal.windows.hann`, periodic by default.

    >>> import tallow
    >>> tallow.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _periodic("hann_window", windows.hann, window_length, periodic, options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Any
) -> Tensor:
    """``alpha - beta cos(2 pi n / window_length)``."""

    def make(length: int, **rest: Any) -> Tensor:
        return windows.general_cosine(length, a=[alpha, beta], **rest)

    return _periodic("hamming_window", make, window_length, periodic, options)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any) -> Tensor:
    """:func:`tallow.signal.windows.kaiser`, periodic by default."""

    def make(length: int, **rest: Any) -> Tensor:
        return windows.kaiser(length, beta=beta, **rest)

    return _periodic("kaiser_window", make, window_length, periodic, options)


# ---------------------------------------------------------------- short-time transforms
def _extended(x: Tensor, by: int, mode: str) -> Tensor:
    """`x` with `by` more values on both sides of the last dimension."""
    n = x.size(-1)
    if mode == "constant":
        zeros = x.new_zeros((*x.shape[:-1], by))
        return tallow.cat([zeros, x, zeros], -1)
    at = tallow.arange(-by, n + by, device=x.device)
    if mode == "reflect":
        if by >= n:
            raise RuntimeError(
                "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
                f"({by}, {by}) at dimension {x.dim() - 1} of input {list(x.shape)}"
            )
        at = (n - 1) - ((n - 1) - at.abs()).abs()
    elif mode == "replicate":
        at = at.clamp(0, n - 1)
    elif mode == "circular":
        at = at.remainder(n)
    else:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    return x.index_select(-1, at)


def _centred(window: Tensor | None, length: int, n_fft: int, like: Tensor) -> Tensor | None:
    """The window with zeros around it, `n_fft` long."""
    if window is None:
        if length == n_fft:
            return None
        real = like.real.dtype if like.is_complex() else like.dtype
        window = tallow.ones(length, dtype=real, device=like.device)
    if length == n_fft:
        return window
    left = (n_fft - length) // 2
    return tallow.cat([window.new_zeros(left), window, window.new_zeros(n_fft - length - left)])


def _check(op: str, n_fft: int, longest: int | None, hop: int, win: int, window: Tensor | None) -> None:
    if n_fft <= 0 or (longest is not None and n_fft > longest):
        bound = "" if longest is None else f" <= {longest}"
        raise RuntimeError(f"{op}: expected 0 < n_fft{bound}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"{op}: expected hop_length > 0, but got hop_length={hop}")
    if win <= 0 or win > n_fft:
        raise RuntimeError(f"{op}: expected 0 < win_length <= n_fft, but got win_length={win}")
    if window is not None and (window.dim() != 1 or window.size(0) != win):
        raise RuntimeError(
            f"{op}: expected a 1D window tensor of size equal to win_length={win}, "
            f"but got window with size {list(window.shape)}"
        )


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The short-time Fourier transform: of frames of `n_fft` values, `hop_length` apart, each times the window.

    Args:
        input: ``(L,)`` or ``(B, L)``, real or complex.
        hop_length: default ``n_fft // 4``.
        win_length: default `n_fft`; a shorter window stands in the middle of its frame.
        window: ``(win_length,)``; ones by default.
        center: whether frame t is around value ``t * hop_length``; `input` is then extended at both ends by `pad_mode`
            (constant, reflect, replicate or circular).
        normalized: whether to divide by the square root of `n_fft`.
        onesided: whether to leave out what symmetry gives; default: where everything is real.
        return_complex: must be given for real input; False gives pairs of real numbers in a last dimension.
        align_to_window: without `center` and with a window shorter than `n_fft`, whether frames start with the window.

    Returns:
        ``(B?, N, T)`` with ``N`` frequencies and ``T`` frames.

    Raises:
        RuntimeError: for arguments that do not fit each other.

    >>> import tallow
    >>> x = tallow.arange(32.0)
    >>> tuple(tallow.stft(x, 8, window=tallow.hann_window(8), return_complex=True).shape)
    (5, 17)
    """
    hop, win = n_fft // 4 if hop_length is None else hop_length, n_fft if win_length is None else win_length
    complex_input = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None:
        if not complex_input:
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs, and will further require that "
                "return_complex=True in a future PyTorch release."
            )
        return_complex = True
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(f"stft: expected a tensor of floating point or complex values, but got {input.dtype}")
    if input.dim() not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, but got {input.dim()}D")
    x = input if input.dim() == 2 else input.unsqueeze(0)
    if center:
        x = _extended(x, n_fft // 2, pad_mode)
    aligned = bool(align_to_window) and not center
    _check("stft", n_fft, x.size(1), hop, win, window)
    if complex_input and onesided:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    centred = _centred(window, win, n_fft, x)
    if aligned and win < n_fft:  # frames begin with the window: the signal moves by what stands before it
        left = (n_fft - win) // 2
        x = tallow.cat([x.new_zeros(x.size(0), left), x, x.new_zeros(x.size(0), n_fft - win - left)], 1)
    frames = x.unfold(1, n_fft, hop)
    if centred is not None:
        frames = frames * centred
    norm = "ortho" if normalized else "backward"
    half = not complex_input if onesided is None else onesided
    out = (tallow.fft.rfft if half else tallow.fft.fft)(frames, norm=norm).transpose(1, 2)
    out = out if input.dim() == 2 else out.squeeze(0)
    return out if return_complex else tallow.view_as_real(out)


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The inverse of :func:`stft` with the same options: the frames' inverses, windowed, summed where they overlap,
    over the sum of the squared windows (Griffin and Lim, 1984).

    Args:
        input: ``(N, T)`` or ``(B, N, T)``, complex.
        onesided: default: whether ``N`` is not `n_fft`.
        length: of the result; the default is what the frames cover.
        return_complex: whether the signal is complex.

    Raises:
        RuntimeError: for arguments that do not fit, and where the windows leave a place uncovered.

    >>> import tallow
    >>> x = tallow.arange(32.0)
    >>> w = tallow.hann_window(8)
    >>> y = tallow.istft(tallow.stft(x, 8, window=w, return_complex=True), 8, window=w)
    >>> bool((x - y).abs().max() < 1e-4)
    True
    """
    hop, win = n_fft // 4 if hop_length is None else hop_length, n_fft if win_length is None else win_length
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    if input.dim() not in (2, 3) or input.numel() == 0:
        raise RuntimeError(f"istft: expected a tensor of 2 or 3 dimensions with elements, but got {list(input.shape)}")
    x = (input if input.dim() == 3 else input.unsqueeze(0)).transpose(1, 2)
    batch, count, values = x.shape
    half = values != n_fft if onesided is None else onesided
    expected = n_fft // 2 + 1 if half else n_fft
    if values != expected:
        raise RuntimeError(
            f"istft: expected the frequency dimension (3rd to the last) of the input tensor to match n_fft"
            f"{' / 2 + 1' if half else ''} when onesided={half}, but got {values}"
        )
    _check("istft", n_fft, None, hop, win, window)
    if hop > win:
        raise RuntimeError(f"istft: expected 0 < hop_length <= win_length, but got hop_length={hop}")
    if return_complex and half:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    if not return_complex and window is not None and window.is_complex():
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    centred = _centred(window, win, n_fft, x)
    norm = "ortho" if normalized else "backward"
    if return_complex:
        frames = tallow.fft.ifft(x, norm=norm)
    else:
        frames = tallow.fft.irfft(x if half else x.narrow(2, 0, n_fft // 2 + 1), n=n_fft, norm=norm)
    if centred is None:
        centred = tallow.ones(n_fft, dtype=frames.real.dtype if return_complex else frames.dtype, device=frames.device)
    total = n_fft + hop * (count - 1)
    at = tallow.arange(n_fft, device=x.device) + hop * tallow.arange(count, device=x.device).unsqueeze(1)

    def overlapped(values: Tensor) -> Tensor:
        return values.new_zeros(values.size(0), total).index_add(1, at.reshape(-1), values.reshape(values.size(0), -1))

    signal = overlapped(frames * centred)
    cover = overlapped((centred * centred).expand(1, count, n_fft))
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - n_fft // 2 if center else total
    signal, cover = signal[:, start:end], cover[:, start:end]
    lowest = cover.abs().min()
    if bool(lowest < 1e-11):
        raise RuntimeError(f"istft: window overlap add min: {float(lowest)} is below 1e-11: a place is not covered")
    signal = signal / cover
    if end > total:
        warnings.warn(
            "The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. "
            "Please check your center and hop_length settings.",
            stacklevel=2,
        )
        signal = tallow.cat([signal, signal.new_zeros(batch, end - total)], 1)
    return signal if input.dim() == 3 else signal.squeeze(0)
