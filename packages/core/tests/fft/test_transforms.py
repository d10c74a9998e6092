"""Fourier transforms of all kinds of lengths, against NumPy in double precision."""

from __future__ import annotations

import numpy as np
import pytest

import tallow as T

rng = np.random.default_rng(3)
# Every length up to a few radices, powers and products of primes, primes with and without a pass of their own, what is
# cut in four steps, and what becomes a convolution.
LENGTHS = [*range(1, 41), 61, 64, 97, 127, 128, 210, 243, 256, 625, 1000, 1024, 2047, 2048, 2049, 2310, 4096, 5003,
           6561, 10007, 16384, 30030, 65537, 100000]  # fmt: skip
COUNTS = (1, 3, 9, 17, 33)  # around the number of lanes of a vector


def numbers(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("n", LENGTHS)
def test_lengths(n: int, dtype: str) -> None:
    for count in COUNTS if n < 3000 else COUNTS[:2]:
        x = numbers(count, n).astype(dtype)
        want = np.fft.fft(x.astype("complex128"))
        limit = (3e-6 if dtype == "complex64" else 3e-14) * np.sqrt((np.abs(want) ** 2).mean())
        forward = T.fft.fft(T.from_numpy(x))
        assert np.abs(forward.numpy() - want).max() < limit
        assert np.abs(T.fft.ifft(forward).numpy() - x).max() < limit
        real = x.real.copy()
        half = T.fft.rfft(T.from_numpy(real))
        assert np.abs(half.numpy() - np.fft.rfft(real.astype("float64"))).max() < limit
        assert np.abs(T.fft.irfft(half, n=n).numpy() - real).max() < limit


@pytest.mark.parametrize("dim", range(4))
def test_layouts(dim: int) -> None:
    dense = numbers(4, 6, 5, 7)
    for x in (dense, dense.transpose(2, 0, 3, 1), dense[:, ::2, ::-1].copy()[:, :, 1:]):
        t = T.from_numpy(np.ascontiguousarray(x)) if any(s < 0 for s in x.strides) else T.from_numpy(x)
        np.testing.assert_allclose(T.fft.fft(t, dim=dim).numpy(), np.fft.fft(x, axis=dim), atol=1e-12)
        np.testing.assert_allclose(T.fft.rfft(t.real, dim=dim).numpy(), np.fft.rfft(x.real, axis=dim), atol=1e-12)
        np.testing.assert_allclose(T.fft.irfft(t, dim=dim, n=9).numpy(), np.fft.irfft(x, axis=dim, n=9), atol=1e-12)
        np.testing.assert_allclose(T.fft.fft(t.real, dim=dim).numpy(), np.fft.fft(x.real, axis=dim), atol=1e-12)


@pytest.mark.parametrize("shape", [(40, 1000), (3, 65536), (2, 10007), (300, 300)])
def test_same_bits_on_any_number_of_threads(shape: tuple[int, ...]) -> None:
    x = T.from_numpy(numbers(*shape).astype("complex64"))
    before = T.get_num_threads()
    try:
        T.set_num_threads(1)
        one = [T.fft.fft(x), T.fft.rfft(x.real), T.fft.fft(x, dim=0)]
        T.set_num_threads(3)
        three = [T.fft.fft(x), T.fft.rfft(x.real), T.fft.fft(x, dim=0)]
    finally:
        T.set_num_threads(before)
    assert all(T.equal(a, b) for a, b in zip(one, three, strict=True))


def test_integers_empty_batches_and_infinities() -> None:
    assert T.fft.fft(T.arange(4)).tolist() == [6 + 0j, -2 + 2j, -2 + 0j, -2 - 2j]
    assert T.fft.fft(T.ones(0, 4)).shape == (0, 4)
    assert T.fft.irfft(T.ones(0, 3, dtype=T.complex64)).shape == (0, 4)
    assert T.isnan(T.fft.fft(T.tensor([1.0, float("nan"), 0.0, 0.0])).real).all()
    assert T.fft.fft(T.ones(3, 5, device="meta")).shape == (3, 5)


def test_only_the_real_part_of_the_ends_counts() -> None:
    x = T.tensor([1 + 5j, 2 + 1j, 3 - 4j])
    assert T.equal(T.fft.irfft(x), T.fft.irfft(T.tensor([1 + 0j, 2 + 1j, 3 + 0j])))


def test_results_go_where_they_are_told() -> None:
    x = T.from_numpy(numbers(4, 6))
    out = T.empty(0, dtype=T.complex128)
    assert T.fft.fft(x, out=out) is out
    np.testing.assert_allclose(out.numpy(), np.fft.fft(x.numpy()))
    T.fft.fftfreq(5, out=(f := T.empty(5)))
    assert f.tolist() == T.fft.fftfreq(5).tolist()


def test_names() -> None:
    assert {"fft", "irfftn", "fftfreq", "ifftshift"} <= set(dir(T.fft))
    with pytest.raises(AttributeError, match=r"module 'tallow.fft' has no attribute 'dct'"):
        T.fft.dct  # noqa: B018
