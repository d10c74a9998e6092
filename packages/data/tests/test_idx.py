"""The IDX reader, and files that lie."""

import gzip
import struct

import pytest

import tallow
from tallow.data.readers import idx


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    "dtype", [tallow.uint8, tallow.int8, tallow.int16, tallow.int32, tallow.float32, tallow.float64]
)
def test_round_trip(tmp_path, dtype, suffix):
    path = tmp_path / f"values{suffix}"
    values = tallow.arange(1, 25).reshape(2, 3, 4).to(dtype)
    idx.save_idx(path, values)
    read = idx.load_idx(path)
    assert read.dtype == dtype and tuple(read.shape) == (2, 3, 4) and tallow.equal(read, values)
    read.zero_()  # the memory is the tensor's own


def test_bytes_are_big_endian(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"\0\0\x0b\x01\0\0\0\x02" + b"\x01\x02\xff\xfe")
    assert idx.load_idx(path).tolist() == [258, -2]
    idx.save_idx(path, tallow.tensor([258, -2], dtype=tallow.int16))
    assert path.read_bytes() == b"\0\0\x0b\x01\0\0\0\x02" + b"\x01\x02\xff\xfe"


def test_empty_and_scalar(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"\0\0\x08\x02\0\0\0\0\0\0\0\x05")
    assert tuple(idx.load_idx(path).shape) == (0, 5)
    path.write_bytes(b"\0\0\x08\x00\x07")
    assert idx.load_idx(path).item() == 7


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no IDX file"),
        (b"\x89PNG\r\n", "is no IDX file"),
        (b"\0\0\x07\x01\0\0\0\x01\0", "is no IDX file"),
        (b"\0\0\x08\x03\0\0\0\x01", "is cut off in its header of 3 sizes"),
        (b"\0\0\x08\x01\0\0\0\x05abc", "should have 5 bytes of values, but has 3"),
        (b"\0\0\x08\x01\0\0\0\x02abc", "should have 2 bytes of values, but has more"),
        (b"\0\0\x08\xff" + b"\xff" * 4 * 255, "declares"),
        (b"\0\0\x08\x01\xff\xff\xff\xff", "should have 4294967295 bytes of values, but has 0"),
        (b"\x1f\x8bnot gzip at all", "no valid gzip file"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x02ab")[:-9], "no valid gzip file"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x02" + bytes(1 << 22)), "but has more"),
    ],
)
def test_broken_files(tmp_path, content, message):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        idx.load_idx(path, max_bytes=1 << 33)


def test_limit(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"\0\0\x08\x01" + struct.pack(">I", 100) + bytes(100))
    with pytest.raises(ValueError, match="declares 100 bytes of values, more than max_bytes=99"):
        idx.load_idx(path, max_bytes=99)


def test_unknown_dtype(tmp_path):
    with pytest.raises(ValueError, match="the IDX format has no"):
        idx.save_idx(tmp_path / "x", tallow.zeros(1, dtype=tallow.int64))


@pytest.mark.parametrize("form", ["{}-{}-idx{}-ubyte", "{}-{}.idx{}-ubyte", "{}-{}-idx{}-ubyte.gz"])
def test_mnist_folder(tmp_path, form):
    images = tallow.arange(18).reshape(2, 3, 3).to(tallow.uint8)
    labels = tallow.tensor([4, 2], dtype=tallow.uint8)
    idx.save_idx(tmp_path / form.format("t10k", "images", 3), images)
    idx.save_idx(tmp_path / form.format("t10k", "labels", 1), labels)
    read_images, read_labels = idx.load_mnist(tmp_path, train=False)
    assert tallow.equal(read_images, images) and read_labels.tolist() == [4, 2]
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        idx.load_mnist(tmp_path)


def test_mnist_folder_that_does_not_fit(tmp_path):
    idx.save_idx(tmp_path / "train-images-idx3-ubyte", tallow.zeros(2, 3, 3, dtype=tallow.uint8))
    idx.save_idx(tmp_path / "train-labels-idx1-ubyte", tallow.zeros(3, dtype=tallow.uint8))
    with pytest.raises(ValueError, match="do not fit"):
        idx.load_mnist(tmp_path)
