"""Every op of every library that is loaded, called with sparse tensors: the answer is a result or an exception."""

from __future__ import annotations

import contextlib
import importlib
import random
import subprocess
import sys
from typing import Any

import pytest

import tallow

# These change the state of the process, or wait for other processes.
LEFT_OUT = {"set_anomaly", "push_saved_hooks", "disable_saved_hooks", "set_num_threads", "manual_seed"}


def tensors(rng: random.Random) -> list[tallow.Tensor]:
    dtype = rng.choice([tallow.float32, tallow.float64, tallow.int64, tallow.bool, tallow.complex64])
    indices = [[0, 1, 1], [2, 0, 2]]
    made = [
        tallow.sparse_coo_tensor(indices, tallow.ones(3), (2, 3)).to(dtype),
        tallow.sparse_coo_tensor(indices, tallow.ones(3, 2), (2, 3, 2)),
        tallow.sparse_coo_tensor(indices, tallow.ones(3, 0), (2, 3, 0)),
        tallow.sparse_coo_tensor((3, 2)),
        tallow.sparse_coo_tensor((0, 3)),
        tallow.sparse_coo_tensor([[1]], [2.0], (1 << 40,), is_coalesced=True) if rng.random() < 0.1 else small(),
        tallow.sparse_coo_tensor([[1, 0, 1]], [2.0, 1.0, 1.0], (3,), is_coalesced=True),
        tallow.sparse_coo_tensor(tallow.zeros(0, 2, dtype=tallow.int64), [1.0, 2.0], ()),
        small().to_dense(),
        tallow.ones(3, 3),
        tallow.tensor([0, 1]),
        tallow.tensor(2.0),
    ]
    spoiled = small()
    spoiled._indices().fill_(1 << 50)
    return [*made, spoiled]


def small() -> tallow.Tensor:
    return tallow.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (2, 2)).coalesce()


def argument(rng: random.Random, kind: str, grad: bool) -> Any:
    def tensor() -> Any:
        t = rng.choice(tensors(rng))
        return t.requires_grad_() if grad and t.is_floating_point() else t

    if kind.startswith(("Tensor", "any")) and "[" in kind:
        return [None if "?[" in kind and rng.random() < 0.2 else tensor() for _ in range(rng.randint(1, 3))]
    if kind.startswith(("Tensor", "any")):
        return None if "?" in kind and rng.random() < 0.3 else tensor()
    if kind.startswith("int["):
        return [rng.choice([-1, 0, 1, 2, 3]) for _ in range(rng.randint(0, 3))]
    choices: dict[str, list[Any]] = {
        "int": [-1, 0, 1, 2],
        "bool": [True, False],
        "float": [-1.0, 0.0, 0.5, 2.0],
        "Scalar": [-1.0, 0, 2.5, True],
        "str": ["", "sum", "mean", "amax", "floor", "trunc"],
        "dtype": [tallow.float64, tallow.int32, None],
        "layout": [tallow.sparse_coo, tallow.strided, None],
        "device": ["cpu", None],
    }
    return next((rng.choice(values) for name, values in choices.items() if kind.startswith(name)), None)


def call_every_op(seed: int, rounds: int) -> None:
    for library in ("autograd", "nn", "optim"):
        with contextlib.suppress(ImportError):
            importlib.import_module(f"tallow.{library}")
    with_autograd = "tallow.autograd" in sys.modules
    rng = random.Random(seed)
    table = [r for r in tallow._core.op_table() if r["name"] not in LEFT_OUT]
    assert len(table) > 500
    for _ in range(rounds):
        for r in table:
            if not any(p[1].startswith(("Tensor", "any")) for p in r["params"]):
                continue
            grad = with_autograd and rng.random() < 0.5
            positional = [argument(rng, p[1], grad) for p in r["params"] if not p[2]]
            named = {p[0]: argument(rng, p[1], grad) for p in r["params"] if p[2] and rng.random() < 0.5}
            space = getattr(tallow.ops, r["ns"] or "core")
            try:
                result = getattr(space, r["name"])(*positional, **named)
                look_at(result, grad)
            except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError, MemoryError, AttributeError):
                pass
    print("alive")


def look_at(result: Any, grad: bool) -> None:
    for t in result if isinstance(result, (tuple, list)) else [result]:
        if isinstance(t, tallow.Tensor):
            repr(t)
            if t.numel() < 10000:
                t.to_dense().tolist()
            if grad and t.requires_grad:
                t.sum().backward()


@pytest.mark.parametrize("seed", range(2))
def test_no_crash(seed: int) -> None:
    here = __file__.rsplit("/", 1)[0]
    program = f"import sys; sys.path.insert(0, {here!r}); import test_every_op as t; t.call_every_op({seed}, 3)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "alive", done.stderr[-2000:]
