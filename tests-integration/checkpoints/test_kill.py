"""A trainer is killed again and again, each time while it trains or saves: its checkpoint can always be loaded.

TALLOW_KILLS says how often; the names of the files say the format.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tallow

TRAINER = Path(__file__).with_name("trainer.py")
KILLS = int(os.environ.get("TALLOW_KILLS", "10"))


@pytest.mark.parametrize("name", ["model.pt", "model.tallow"])
def test_a_killed_trainer_leaves_a_whole_checkpoint(tmp_path, name):
    chance = random.Random(name)
    checkpoint = tmp_path / name
    reached = 0
    for _ in range((KILLS + 1) // 2):
        trainer = subprocess.Popen([sys.executable, TRAINER, checkpoint], stdout=subprocess.PIPE, text=True)
        begun = int(trainer.stdout.readline())
        assert begun >= reached, "the trainer lost what an earlier one had saved"
        first = trainer.stdout.readline()
        assert first, "the trainer could not go on from its checkpoint"
        time.sleep(chance.uniform(0, 0.2))
        trainer.send_signal(signal.SIGKILL)
        steps = [int(line) for line in (first, *trainer.stdout) if line.endswith("\n")]
        assert trainer.wait(timeout=60) == -signal.SIGKILL
        loaded = tallow.load(checkpoint)
        # The name changes before the trainer says so: the file may be one save ahead of the last line.
        assert loaded["step"] in (steps[-1], steps[-1] + 2)
        reached = loaded["step"]
    assert reached >= KILLS
    assert len(list(tmp_path.iterdir())) <= 1 + KILLS, "what a killed trainer leaves behind"
