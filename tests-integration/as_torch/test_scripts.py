"""Programs written for torch, unmodified: each checks its own result. All of them run under torch too (../parity)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).with_name("scripts")
RUNS = [
    ("mnist.py", "--epochs", "4", "--save-model", "net.pt"),
    ("mnist.py", "--epochs", "3", "--workers", "2"),
    ("vae.py", "--results", "."),
    ("word_language_model.py",),
    ("word_language_model.py", "--model", "GRU", "--tied"),
    ("word_language_model.py", "--model", "Transformer"),
    ("time_sequence.py",),
    ("dcgan.py", "--outf", "."),
    ("reinforce.py",),
    ("siamese_network.py",),
    ("super_resolution.py",),
    ("wgan_gp.py",),
    ("seq2seq.py",),
    ("vision_transformer.py", "--epochs", "4"),
    ("data_pipelines.py",),
    ("dqn.py",),
    ("graph_networks.py",),
    ("higher_derivatives.py",),
    ("lstm_crf.py",),
    ("mixed_precision.py",),
    ("mixed_precision.py", "--dtype", "float16"),
    ("model_surgery.py",),
    ("speech_ctc.py",),
]


@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_runs(words, run, tmp_path):
    run([sys.executable, "-m", "tallow.as_torch", SCRIPTS / words[0], *words[1:]], cwd=tmp_path, timeout=300)


def test_every_script_is_run():
    assert {words[0] for words in RUNS} == {path.name for path in SCRIPTS.glob("*.py")}
