"""Rows of Fourier transforms: both kinds of numbers, even and odd lengths, one and several dimensions."""

from __future__ import annotations

import tallow
from samples import Row, row

fft = tallow.fft

ROWS: list[Row] = [
    row("_fft_c2c", lambda x: fft.fft(x, norm="ortho"), (2, 4), kinds="c"),
    row("_fft_c2c", lambda x: fft.ifftn(x), (3, 2), kinds="c"),
    row("_fft_c2c", lambda x: fft.fft(x, n=5, dim=0), (3, 2), kinds="c"),
    row("_fft_r2c", lambda x: fft.rfft(x), (2, 4)),
    row("_fft_r2c", lambda x: fft.rfft(x), (2, 5)),
    row("_fft_r2c", lambda x: fft.rfft2(x, dim=(1, 0)), (4, 3)),
    row("_fft_r2c", lambda x: fft.fft(x), (2, 3)),
    row("_fft_c2r", lambda x: fft.irfft(x, n=4), (2, 3), kinds="c"),
    row("_fft_c2r", lambda x: fft.irfft(x, n=5, norm="forward"), (2, 3), kinds="c"),
    row("_fft_c2r", lambda x: fft.hfftn(x), (2, 3), kinds="c"),
]
