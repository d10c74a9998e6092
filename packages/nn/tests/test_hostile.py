"""Any op of the library, hidden ones too, may be called with anything: the answer is an exception, never a crash."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import pytest

import tallow
import tallow.nn

SHAPES = [(2, 3), (3,), (1, 2, 3), (1, 2, 4, 4), (2, 3, 5), (0, 3), (), (2, 2, 3, 3), (1, 1, 2, 3, 4), (4, 3)]
DTYPES = [tallow.float32] * 4 + [tallow.float64, tallow.int64, tallow.bool, tallow.float16]
NUMBERS = {
    "int[": lambda rng: [rng.choice([-9, -1, 0, 1, 2, 3, 7]) for _ in range(rng.randint(0, 4))],
    "float[": lambda rng: [rng.choice([-1.0, 0.0, 0.5, 2.0]) for _ in range(rng.randint(0, 4))],
    "int": lambda rng: rng.choice([-9, -1, 0, 1, 2, 3, 7, 1 << 40]),
    "bool": lambda rng: rng.random() < 0.5,
    "float": lambda rng: rng.choice([-1.0, 0.0, 0.5, 1.0, 2.0, 1e9, float("nan")]),
    "Scalar": lambda rng: rng.choice([-1.0, 0, 2.5]),
    "str": lambda rng: rng.choice(["", "none", "mean", "sum", "zeros", "bilinear", "tanh"]),
}


def tensor(rng: random.Random) -> tallow.Tensor:
    made = tallow.ones(rng.choice(SHAPES)).to(rng.choice(DTYPES))
    return made.expand(2, *made.shape) if rng.random() < 0.1 else made


def argument(rng: random.Random, kind: str) -> Any:
    if kind.startswith("Tensor") and "[" in kind:
        return [None if "?[" in kind and rng.random() < 0.2 else tensor(rng) for _ in range(rng.randint(0, 3))]
    if kind.startswith("Tensor"):
        return None if "?" in kind and rng.random() < 0.3 else tensor(rng)
    return next((make(rng) for name, make in NUMBERS.items() if kind.startswith(name)), None)


def call_at_random(seed: int, count: int) -> None:
    rng = random.Random(seed)
    table = [r for r in tallow._core.op_table() if r["ns"] == "nn"]
    assert table
    for _ in range(count):
        op = rng.choice(table)
        arguments = [argument(rng, p[1]) for p in op["params"]]
        try:
            getattr(tallow.ops.nn, op["name"])(*arguments)
        except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError, MemoryError):
            pass
    print("alive")


@pytest.mark.parametrize("seed", range(3))
def test_no_crash(seed: int) -> None:
    here = __file__.rsplit("/", 1)[0]
    program = f"import sys; sys.path.insert(0, {here!r}); import test_hostile as t; t.call_at_random({seed}, 4000)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "alive", done.stderr[-2000:]
