"""Blocks of memory of all sizes: none overlaps another, whatever the order of their coming and going."""

from __future__ import annotations

import os
import random

import tallow

SIZES = (1_000, 60_000, 70_000, 100_000, 262_144, 300_001, 524_288, 900_000, 1_048_575, 1_100_000, 2_000_000)


def test_no_block_overlaps_another() -> None:
    rng = random.Random(0)
    held: list[tuple[float, tallow.Tensor]] = []
    for value in range(400):
        if len(held) > 12 or (held and rng.random() < 0.45):
            number, tensor = held.pop(rng.randrange(len(held)))
            assert bool((tensor == number).all())
        else:
            held.append((float(value), tallow.full((rng.choice(SIZES),), float(value))))
    starts = sorted((t.data_ptr(), t.data_ptr() + t.numel() * 4) for _, t in held)
    assert all(end <= start for (_, end), (start, _) in zip(starts, starts[1:], strict=False))


def test_blocks_survive_a_fork() -> None:
    tensor = tallow.full((300_000,), 7.0)
    child = os.fork()
    if child == 0:
        fresh = tallow.full((300_000,), 8.0)
        del tensor
        os._exit(0 if bool((fresh == 8).all()) and bool((tallow.full((300_000,), 9.0) == 9).all()) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert bool((tensor == 7).all())
