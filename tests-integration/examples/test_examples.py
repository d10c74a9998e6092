"""The examples with small settings: each learns, draws its curve, and reads its own checkpoint back."""

from __future__ import annotations

import struct
import sys

import pytest

RUNS = {
    "tools/demo/__main__.py": ["--epochs", "2"],
    "packages/tallow/examples/char_transformer.py": "--epochs 2 --steps 12 --width 32 --layers 1".split(),
    "packages/tallow/examples/vae.py": ["--epochs", "2"],
    "packages/tallow/examples/lstm_sequence.py": "--epochs 3 --signals 192 --width 24".split(),
    "packages/tallow/examples/fine_tune.py": ["--epochs", "4"],
}


@pytest.mark.parametrize("program", RUNS)
def test_example(program, root, run, tmp_path):
    done = run([sys.executable, root / program, *RUNS[program], "--out", tmp_path], cwd=tmp_path)
    pictures = list(tmp_path.glob("*.png"))
    assert pictures and "100%" in done.stdout
    for picture in pictures:
        head = picture.read_bytes()[:24]
        assert head.startswith(b"\x89PNG") and min(struct.unpack(">2I", head[16:])) >= 48


def test_the_same_seed_writes_the_same_sonnet(root, run, tmp_path):
    """On one thread and on two."""
    words = [sys.executable, root / "packages/tallow/examples/char_transformer.py", "--epochs", "1", "--steps", "5"]
    texts = []
    for threads in ("1", "2"):
        out = tmp_path / threads
        run([*words, "--out", out, "--threads", threads])
        texts.append((out / "sonnet.txt").read_text(encoding="utf-8"))
    assert texts[0] == texts[1]


def test_every_example_is_run(root):
    programs = {path for path in (root / "packages/tallow/examples").glob("*.py") if "def main" in path.read_text()}
    assert {path.name for path in programs} - {"make_pretrained.py"} <= {name.split("/")[-1] for name in RUNS}
