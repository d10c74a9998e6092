"""Calls of ops with anything at all: the answer has to be a result or an exception, never the end of the process."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Collection
from typing import Any

import tallow

SHAPES = [(2, 3), (3,), (1, 2, 3), (1, 2, 4, 4), (2, 3, 5), (0, 3), (), (2, 2, 3, 3), (1, 1, 2, 3, 4), (4, 3), (3, 3)]
DTYPES = [tallow.float32] * 4 + [tallow.float64, tallow.complex64, tallow.int64, tallow.bool, tallow.float16]
WORDS = ["", "none", "mean", "sum", "zeros", "bilinear", "tanh", "x", "prod", "reduced", "complete", "r", "ij", "ij,jk"]
# Values by the beginning of a parameter's type, the more special ones first.
VALUES: dict[str, Callable[[random.Random], Any]] = {
    "int[": lambda rng: [rng.choice([-9, -1, 0, 1, 2, 3, 7]) for _ in range(rng.randint(0, 4))],
    "float[": lambda rng: [rng.choice([-1.0, 0.0, 0.5, 2.0]) for _ in range(rng.randint(0, 4))],
    "int": lambda rng: rng.choice([-9, -1, 0, 1, 2, 3, 7, 1 << 40, -1 << 62]),
    "bool": lambda rng: rng.random() < 0.5,
    "float": lambda rng: rng.choice([-1.0, 0.0, 0.5, 1.0, 2.0, 1e9, float("nan"), float("inf")]),
    "Scalar": lambda rng: rng.choice([-1.0, 0, 2.5, True, 1j, 1 << 40]),
    "str": lambda rng: rng.choice(WORDS),
    "dtype": lambda rng: rng.choice(DTYPES),
    "device": lambda rng: rng.choice(["cpu", "meta"]),
    "any": lambda rng: rng.choice([tallow.ones(2, 3), 3]),
    "Object": lambda rng: rng.choice([print, None]),
    "Function": lambda rng: rng.choice([print, None]),
}
MEMORY = 1 << 34  # bytes of addresses that such a process may have
ERRORS = (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError, MemoryError, OverflowError)


def _tensor(rng: random.Random) -> tallow.Tensor:
    made = tallow.ones(rng.choice(SHAPES))
    made = (made * rng.choice([1, 0, -9, 5])).to(rng.choice(DTYPES))
    if rng.random() < 0.1:
        return made.expand(2, *made.shape)
    return made.transpose(0, -1) if made.dim() and rng.random() < 0.2 else made


def _argument(rng: random.Random, kind: str) -> Any:
    if kind.startswith("Tensor") and "[" in kind:
        return [None if "?[" in kind and rng.random() < 0.2 else _tensor(rng) for _ in range(rng.randint(0, 3))]
    if "?" in kind and rng.random() < 0.3:
        return None
    if kind.startswith("Tensor"):
        return rng.choice([-1.5, 2]) if "Scalar" in kind and rng.random() < 0.3 else _tensor(rng)
    return next((make(rng) for name, make in VALUES.items() if kind.startswith(name)), None)


def call_at_random(namespace: str, seed: int, count: int, leave_out: Collection[str] = ()) -> int:
    """Calls ops of a namespace ("core" for the core's own) with arguments of the right kinds and senseless values.

    Args:
        namespace: whose ops, hidden ones too; what registers them must have been imported.
        seed: of the choice of ops and arguments.
        count: how many calls.
        leave_out: names of ops that may not be called, because they change the process.

    Returns:
        How many of the calls gave a result. All others raised one of the ordinary exceptions.

    >>> import tallow
    >>> 0 < tallow.testing.call_at_random("fft", seed=1, count=50) < 50
    True
    """
    rng = random.Random(seed)
    space = "" if namespace == "core" else namespace
    table = [r for r in tallow._core.op_table() if r["ns"] == space and r["name"] not in leave_out]
    if not table:
        raise ValueError(f"call_at_random: there are no ops in the namespace {namespace!r}")
    ops, results = getattr(tallow.ops, namespace), 0
    for _ in range(count):
        op = rng.choice(table)
        positional, named = [], {}
        for name, kind, keyword_only, *_ in op["params"]:
            if keyword_only:
                named[name] = _argument(rng, kind)
            else:
                positional.append(_argument(rng, kind))
        try:
            getattr(ops, op["name"])(*positional, **named)
            results += 1
        except ERRORS:
            pass
    return results


def assert_never_crashes(
    namespace: str, seed: int, count: int, imports: str = "tallow", leave_out: Collection[str] = ()
) -> None:
    """:func:`call_at_random` in a process of its own, which must live on.

    Raises:
        AssertionError: with what the process said last.
    """
    program = (
        f"import faulthandler, {imports}; from tallow.testing import call_at_random; faulthandler.enable(); "
        f"call_at_random({namespace!r}, {seed}, {count}, {sorted(leave_out)!r}); print('alive')"
    )
    if "libasan" not in os.environ.get("LD_PRELOAD", ""):  # AddressSanitizer maps more than any machine has
        program = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY})); " + program
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stdout.splitlines()[-1:] != ["alive"]:
        raise AssertionError(f"the process ended with {done.returncode}: {done.stderr[-2000:]}")
