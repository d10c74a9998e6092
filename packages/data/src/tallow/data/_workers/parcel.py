"""A batch as a message: a pickle of its structure, and its large buffers in shared memory.

Tensors and arrays leave the pickle by protocol 5 (PEP 574) and are not copied by the reader. What was collated into the
arena in the first place is not copied by the worker either.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from typing import Any

from tallow import Tensor, _core

from .arena import Arena, Block, Mirror

SMALLEST = 1 << 14
"""Fewer bytes than this travel in the message: copying them costs less than a block."""

Parcel = tuple[bytes, list[Block], bool]
"""The pickle, its buffers, and whether the last of them is the pickle itself."""


def _put(raw: memoryview, arena: Arena) -> Block:
    """The block that `raw` begins, or one with a copy of it, lent to the reader."""
    if not raw.readonly:
        there = arena.lend(_core._frombuffer(raw, _core.uint8, -1, 0).data_ptr(), raw.nbytes)
        if there is not None:
            return there
    block = arena.allocate(raw.nbytes)
    memoryview(block)[:] = raw  # type: ignore[arg-type]
    there = arena.lend(block.data_ptr(), raw.nbytes)
    assert there is not None  # it was allocated two lines ago
    return there


def pack(value: Any, arena: Arena) -> Parcel:
    """`value` as a pickle and blocks of `arena`."""
    file, blocks = io.BytesIO(), []

    def take(buffer: pickle.PickleBuffer) -> bool:
        """Whether `buffer` stays in the pickle; else it is in a block now."""
        raw = buffer.raw()
        if raw.nbytes < SMALLEST:
            return True
        blocks.append(_put(raw, arena))
        return False

    pickle.Pickler(file, 5, buffer_callback=take).dump(value)
    if file.tell() < 2 * SMALLEST:
        return file.getvalue(), blocks, False
    return b"", [*blocks, _put(file.getbuffer(), arena)], True


def unpack(parcel: Parcel, mirror: Mirror) -> Any:
    """What :func:`pack` was given, over the same memory."""
    data, blocks, whole = parcel
    tensors: Sequence[Tensor] = [mirror.tensor(block) for block in blocks]
    return pickle.loads(memoryview(tensors[-1]) if whole else data, buffers=tensors)


def discard(parcel: Parcel, mirror: Mirror) -> None:
    """Give back the memory of a parcel that nobody wants."""
    for block in parcel[1]:
        mirror.let_go(block)
