"""The core's CRC-32 against zlib's: every length around its blocks, every start."""

import zlib

import pytest

import tallow
from tallow import _ops
from tallow.serialization import checksum

crc32 = _ops.packet("runtime::crc32")


@pytest.mark.parametrize("size", [*range(0, 200), 4095, 4096, 65537])
def test_lengths(size):
    data = bytes(i * 131 % 251 for i in range(size))
    tensor = tallow.tensor(list(data), dtype=tallow.uint8)
    assert crc32(tensor) == zlib.crc32(data)
    assert crc32(tensor, 0xDEADBEEF) == zlib.crc32(data, 0xDEADBEEF)


def test_unaligned_and_in_pieces():
    data = bytearray(range(256)) * 64
    for start in range(17):
        assert checksum.crc32(memoryview(data)[start:]) == zlib.crc32(data[start:])
    crc = checksum.crc32(memoryview(data)[5000:], checksum.crc32(memoryview(data)[:5000]))
    assert crc == zlib.crc32(data) == checksum.crc32(bytes(data))


def test_only_flat_bytes():
    for wrong in (tallow.ones(3), tallow.zeros(4, 4, dtype=tallow.uint8), tallow.zeros(8, dtype=tallow.uint8)[::2]):
        with pytest.raises(RuntimeError, match="crc32 expects a flat uint8 tensor"):
            crc32(wrong)
