"""Any op of the library may be called with anything: the answer is an exception, never a crash."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import pytest

import tallow
import tallow.autograd

# These change the state of the process.
LEFT_OUT = {"set_anomaly", "push_saved_hooks", "disable_saved_hooks"}


def argument(rng: random.Random, kind: str) -> Any:
    tensors = [
        tallow.ones(2, 3),
        tallow.ones(()),
        tallow.zeros(0, 3),
        tallow.tensor([5, -9]),
        tallow.ones(3, dtype=tallow.float64),
    ]
    if kind.startswith("Tensor") and "[" in kind:
        return [None if "?[" in kind and rng.random() < 0.2 else rng.choice(tensors) for _ in range(rng.randint(0, 3))]
    if kind.startswith("Tensor"):
        return rng.choice([*tensors, 2.5])
    if kind.startswith("int["):
        return [rng.choice([-9, -1, 0, 1, 2, 3, 7]) for _ in range(rng.randint(0, 4))]
    choices = {
        "int": [-9, -1, 0, 1, 2, 3, 7],
        "bool": [True, False],
        "float": [-1.0, 0.0, 2.0, 1e9],
        "Scalar": [-1.0, 0, 2.5],
        "str": ["", "x", "prod", "mean"],
        "any": [*tensors, 3],
        "Object": [print, None],
        "Function": [print, None],
    }
    for name, values in choices.items():
        if kind.startswith(name):
            return rng.choice(values)
    return None


def call_at_random(seed: int, count: int) -> None:
    rng = random.Random(seed)
    table = [r for r in tallow._core.op_table() if r["ns"] == "autograd" and r["name"] not in LEFT_OUT]
    for _ in range(count):
        r = rng.choice(table)
        arguments = [argument(rng, p[1]) for p in r["params"]]
        try:
            getattr(tallow.ops.autograd, r["name"])(*arguments)
        except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
            pass
    print("alive")


@pytest.mark.parametrize("seed", range(3))
def test_no_crash(seed: int) -> None:
    here = __file__.rsplit("/", 1)[0]
    program = f"import sys; sys.path.insert(0, {here!r}); import test_hostile as t; t.call_at_random({seed}, 3000)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "alive", done.stderr[-2000:]
