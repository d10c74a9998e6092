"""SummaryWriter: through tensorboardX or tensorboard where they are, and a sentence where they are not."""

import importlib.util
import struct
import sys
import zlib

import pytest

import tallow
from tallow.utils.tensorboard import SummaryWriter, writer
from tallow.utils.tensorboard.events import png

BACKENDS = [name for name in ("tensorboardX", "tensorboard") if importlib.util.find_spec(name)]


def test_the_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match="needs tensorboardX or tensorboard: pip install tensorboardX"):
        SummaryWriter()


class Recorder:
    """Stands for a backend: keeps what it is asked to write."""

    def __init__(self, logdir, **options):
        self.logdir, self.options, self.calls = logdir, options, []

    def __getattr__(self, name):
        if name == "add_mesh":
            raise AttributeError(name)
        return lambda *args, **kwargs: self.calls.append((name, args, kwargs))


def test_tensors_arrive_as_arrays(monkeypatch, tmp_path):
    monkeypatch.setattr(writer, "_backend", lambda: Recorder)
    monkeypatch.chdir(tmp_path)
    with SummaryWriter(comment="_first", flush_secs=5) as w:
        w.add_scalar("loss", tallow.tensor(0.5, dtype=tallow.bfloat16), 1)
        w.add_scalars("both", {"a": tallow.tensor(1.0)}, global_step=2)
    backend = w._writer
    assert backend.logdir.startswith("runs") and backend.logdir.endswith("_first") and w.get_logdir() == backend.logdir
    assert backend.options["flush_secs"] == 5
    (name, args, _), (_, scalars, kwargs), (last, _, _) = backend.calls
    assert name == "add_scalar" and args[0] == "loss" and type(args[1]).__module__ == "numpy" and args[1] == 0.5
    assert type(scalars[1]["a"]).__module__ == "numpy" and kwargs == {"global_step": 2} and last == "close"
    with pytest.raises(AttributeError, match="SummaryWriter.add_mesh needs tensorboardX"):
        w.add_mesh("m")
    with pytest.raises(AttributeError, match="no attribute 'plot'"):
        w.plot()


def test_png():
    data = png(bytes(range(12)), 2, 2, 3)
    assert data.startswith(b"\x89PNG\r\n\x1a\n") and struct.unpack(">2I", data[16:24]) == (2, 2)
    start = data.index(b"IDAT") + 4
    size = struct.unpack(">I", data[start - 8 : start - 4])[0]
    assert zlib.decompress(data[start : start + size]) == b"\0" + bytes(range(6)) + b"\0" + bytes(range(6, 12))


@pytest.mark.skipif(not BACKENDS, reason="neither tensorboardX nor tensorboard is installed")
@pytest.mark.parametrize("name", BACKENDS)
def test_files_are_written(monkeypatch, tmp_path, name):
    if name == "tensorboard":
        monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with SummaryWriter(tmp_path / "run") as w:
        for step in range(3):
            w.add_scalar("loss", tallow.tensor(1.0 / (step + 1)), step)
        w.add_scalars("both", {"a": 1.0, "b": tallow.tensor(2.0)}, 0)
        w.add_histogram("weights", tallow.randn(100), 0)
        w.add_image("image", tallow.rand(3, 4, 5), 0)
        w.add_images("images", tallow.rand(2, 1, 4, 5), 0)
        w.add_text("note", "text", 0)
        w.flush()
    assert sum(file.stat().st_size for file in tmp_path.rglob("*tfevents*")) > 500
