"""Paths: atomic replacement, permissions, memory maps, and plain .safetensors files."""

import json
import os
import stat
import subprocess
import sys

import pytest

import tallow
from tallow.serialization.atomic import atomic_write


def names(folder):
    return sorted(os.listdir(folder))


def test_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.tl"
    tallow.save([1], path)
    with pytest.raises(TypeError):
        tallow.save([object()], path)
    with pytest.raises(OSError, match="disk full"), atomic_write(path) as file:
        file.write(b"half of it")
        raise OSError("disk full")
    assert tallow.load(path) == [1] and names(tmp_path) == ["x.tl"]


def test_permissions(tmp_path):
    path = tmp_path / "x.tl"
    old = os.umask(0o027)
    try:
        tallow.save(1, path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    tallow.save(2, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604 and tallow.load(path) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write read-only files")
def test_read_only_file_is_refused(tmp_path):
    path = tmp_path / "x.tl"
    tallow.save(1, path)
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="read-only"):
        tallow.save(2, path)
    assert tallow.load(path) == 1


def test_symbolic_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.tl"
    link.symlink_to(tmp_path / "real" / "x.tl")
    tallow.save(1, link)
    tallow.save(2, link)
    assert link.is_symlink() and tallow.load(tmp_path / "real" / "x.tl") == 2


def test_bad_targets(tmp_path):
    with pytest.raises(RuntimeError, match="parent directory .*none does not exist"):
        tallow.save(1, tmp_path / "none" / "x.tl")
    with pytest.raises(IsADirectoryError, match="is a directory"):
        tallow.save(1, tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_device_is_written_not_replaced():
    tallow.save(1, os.devnull)
    assert not os.path.isfile(os.devnull)


@pytest.mark.parametrize("suffix", ["tl", "safetensors"])
def test_mmap(tmp_path, suffix):
    path = str(tmp_path / f"x.{suffix}")
    obj = {
        "odd": tallow.ones(3, dtype=tallow.bool),
        "f": tallow.arange(1000, dtype=tallow.float64),
        "i": tallow.arange(5, dtype=tallow.int16),
        "e": tallow.empty(0),
    }
    tallow.save(obj, path)
    before = open(path, "rb").read()
    loaded = tallow.load(path, mmap=True)
    for name, tensor in obj.items():
        assert loaded[name].dtype == tensor.dtype and loaded[name].tolist() == tensor.tolist()
        assert loaded[name].data_ptr() % tensor.element_size() == 0
    loaded["f"].fill_(3)
    assert loaded["f"][999].item() == 3 and open(path, "rb").read() == before
    os.unlink(path)
    assert loaded["i"].tolist() == [0, 1, 2, 3, 4]


def test_mmap_keeps_views_and_complex(tmp_path):
    base = tallow.arange(6).reshape(2, 3)
    path = tmp_path / "x.tl"
    z = tallow.tensor([1 + 2j, 3], dtype=tallow.complex128)
    tallow.save([tallow.ones(1, dtype=tallow.uint8), base, base.t(), z], path)
    _, loaded, transposed, number = tallow.load(path, mmap=True)
    loaded[0, 1] = 9
    assert transposed[1, 0].item() == 9 and number.tolist() == [1 + 2j, 3]


def test_safetensors_round_trip(tmp_path):
    path = tmp_path / "x.safetensors"
    base = tallow.arange(6, dtype=tallow.float32).reshape(2, 3)
    obj = {"t": base.t(), "row": base[1], "b": tallow.tensor([True]), "h": tallow.ones(3, dtype=tallow.bfloat16)}
    obj |= {"scalar": tallow.tensor(3), "empty": tallow.empty(0, 2), "c": tallow.tensor([1j])}
    tallow.save(obj, path)
    loaded = tallow.load(path)
    assert list(loaded) == list(obj)
    for name, tensor in obj.items():
        assert loaded[name].dtype == tensor.dtype and loaded[name].tolist() == tensor.tolist()
        assert loaded[name].is_contiguous()


def test_safetensors_header_is_as_others_write_it(tmp_path):
    path = tmp_path / "x.safetensors"
    tallow.save({"a": tallow.ones(3, dtype=tallow.uint8), "b": tallow.ones(2)}, path)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert json.loads(data[8 : 8 + length]) == {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "U8", "shape": [3], "data_offsets": [8, 11]},
        "b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    }
    assert len(data) == 8 + length + 11


def test_safetensors_written_by_others(tmp_path):
    header = b'{"x":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}'
    path = tmp_path / "named-otherwise.bin"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\1\0\0\0\2\0\0\0")
    assert tallow.load(path)["x"].tolist() == [1, 2]
    # The header's odd length leaves the data unaligned: it is copied instead of mapped.
    assert tallow.load(path, mmap=True)["x"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("obj", "error", "text"),
    [
        ([1], TypeError, "takes a dict of tensors, got list"),
        ({"a": 1}, TypeError, r"obj\['a'\]: a .safetensors file takes tensors only, got int"),
        ({1: tallow.ones(1)}, TypeError, r"obj\[1\]: a .safetensors file takes str keys, got int"),
        ({"a": tallow.ones(1, dtype=tallow.complex128)}, TypeError, "no dtype for tallow.complex128"),
        ({"a": tallow.ones(1, device="meta")}, TypeError, "'meta' has no data"),
        ({"__metadata__": tallow.ones(1)}, ValueError, "reserved"),
    ],
)
def test_safetensors_refuses(tmp_path, obj, error, text):
    with pytest.raises(error, match=text):
        tallow.save(obj, tmp_path / "x.safetensors")
    assert names(tmp_path) == []


@pytest.mark.parametrize("unnamed", [True, False])
def test_nothing_is_left_of_a_killed_writer(tmp_path, unnamed):
    """Where the system has files without a name; elsewhere one is left, and never under the checkpoint's name."""
    code = (
        "import os, signal, sys\n"
        "from tallow.serialization import atomic\n"
        "if sys.argv[2] == 'False': atomic._DESCRIPTORS = '/no-such-folder'\n"
        "with atomic.atomic_write(sys.argv[1]) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "x.pt"
    tallow.save([1], path)
    subprocess.run([sys.executable, "-c", code, path, str(unnamed)], check=False)
    assert tallow.load(path) == [1]
    left = [name for name in names(tmp_path) if name != "x.pt"]
    assert len(left) <= 1 and all(name.startswith(".x.pt.") and name.endswith(".tmp") for name in left)
    if unnamed and sys.platform == "linux":
        assert not left


def test_named_temporary_files_do_the_same(tmp_path, monkeypatch):
    from tallow.serialization import atomic

    monkeypatch.setattr(atomic, "_DESCRIPTORS", "/no-such-folder")
    path = tmp_path / "x.pt"
    for value in (1, 2):
        tallow.save(value, path)
        path.chmod(0o640)
    assert tallow.load(path) == 2 and names(tmp_path) == ["x.pt"] and stat.S_IMODE(path.stat().st_mode) == 0o640
