"""Blocks of shared memory: no two overlap while anyone has them, and what was let go is used again."""

import gc
import os
import random

import tallow
from tallow.data._workers.arena import Arena, Mirror


def pair():
    mirror = Mirror()
    chunks = []

    def announce(segment):
        chunks.append(segment)
        mirror.add(os.dup(segment.descriptor), len(segment))

    return Arena(announce), mirror, chunks


def test_a_block_is_free_when_both_sides_let_go():
    arena, mirror, _ = pair()
    here = arena.allocate(5000)
    block = arena.lend(here.data_ptr(), 5000)
    there = mirror.tensor(block)
    here.fill_(7)
    assert there.tolist() == [7] * 5000 and arena.lend(here.data_ptr() + 64, 10) is None
    place = here.data_ptr()
    del here
    assert arena.allocate(10).data_ptr() != place
    view = there[10:].view(tallow.uint8)
    del there
    gc.collect()
    assert mirror.collect() == []
    del view
    (freed,) = mirror.collect()
    arena.release(freed)
    assert arena.allocate(10).data_ptr() == place


def test_any_sequence_of_blocks():
    arena, mirror, chunks = pair()
    chance = random.Random(4)
    held = []
    for step in range(3000):
        if held and chance.random() < 0.48:
            tensor, value = held.pop(chance.randrange(len(held)))
            assert (tensor == value).all()
            del tensor
        else:
            size, value = chance.randrange(1, 40_000), step % 256
            here = arena.allocate(size)
            here.fill_(value)
            held.append((mirror.tensor(arena.lend(here.data_ptr(), size)), value))
        for block in mirror.collect():
            arena.release(block)
    assert all((tensor == value).all() for tensor, value in held) and len(chunks) == 1
    held.clear()
    here = tensor = None
    for block in mirror.collect():
        arena.release(block)
    arena.allocate(1)
    assert len(arena._free) <= 2  # neighbours were merged


def test_a_block_larger_than_a_chunk(monkeypatch):
    monkeypatch.setattr("tallow.data._workers.arena._CHUNK", 1 << 16)
    arena, _, chunks = pair()
    kept = [arena.allocate(size) for size in (1 << 15, 1 << 20, 1 << 15)]
    assert len(chunks) == 2 and kept[0].data_ptr() + (1 << 15) == kept[2].data_ptr()
