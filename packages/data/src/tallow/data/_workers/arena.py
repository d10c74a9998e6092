"""Blocks of shared memory: a worker allocates and fills them, the loader's process reads them, and they are recycled.

A worker's arena is a few large chunks of nameless memory (see :mod:`tallow.multiprocessing.segment`), of which only
what was written takes memory. A block of it is free again when neither side has a tensor over it any more: the reader
notices through a weak reference to the view beneath its tensors, and tells the worker with its next message.
"""

from __future__ import annotations

import bisect
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from tallow import Tensor, _core
from tallow.multiprocessing.segment import Segment

Block = tuple[int, int, int]
"""Chunk, offset in it, bytes."""

_CHUNK = 1 << 28
_PAGE = 4096


class Leases:
    """Views of blocks in this process, and what to do when the last tensor over one is gone."""

    def __init__(self, ended: Callable[[Block], None]) -> None:
        self._ended = ended
        self._held: dict[int, Any] = {}

    def tensor(self, chunk: Segment, block: Block) -> Tensor:
        """The bytes of `block` as a tensor, whose memory is leased as long as anything refers to it."""
        _, offset, size = block
        view = memoryview(chunk)[offset : offset + size]
        held, ended = self._held, self._ended

        def end(ref: Any) -> None:
            del held[id(ref)]
            ended(block)

        ref = weakref.ref(view, end)
        held[id(ref)] = ref
        return _core._frombuffer(view, _core.uint8, size, 0)


class Arena:
    """The worker's side: allocates.

    Args:
        announce: called with each new chunk, for its descriptor to reach the reader.
    """

    def __init__(self, announce: Callable[[Segment], None]) -> None:
        self._announce = announce
        self._chunks: list[Segment] = []
        self._free: list[tuple[int, int, int]] = []  # sorted, with neighbours merged
        self._here: dict[Block, int] = {}  # how many hold a block: this process, the reader
        self._starts: dict[int, Block] = {}
        self._let_go: deque[Block] = deque()  # noted at any time, by the garbage collector too
        self._leases = Leases(self._let_go.append)

    def allocate(self, size: int) -> Tensor:
        """A tensor of `size` bytes in shared memory."""
        while self._let_go:
            self.release(self._let_go.popleft())
        room = -(-size // _PAGE) * _PAGE
        i = next((i for i, (_, _, free) in enumerate(self._free) if free >= room), -1)
        if i < 0:
            self._free.append(self._grow(room))
        chunk, offset, free = self._free[i]
        if free == room:
            del self._free[i]
        else:
            self._free[i] = (chunk, offset + room, free - room)
        block = (chunk, offset, size)
        self._here[block] = 1
        self._starts[self._chunks[chunk].address + offset] = block
        return self._leases.tensor(self._chunks[chunk], block)

    def _grow(self, room: int) -> tuple[int, int, int]:
        size = max(_CHUNK, room)
        segment = Segment.create(size)
        self._announce(segment)
        self._chunks.append(segment)
        return len(self._chunks) - 1, 0, size

    def lend(self, address: int, size: int) -> Block | None:
        """The block that begins at `address`, lent to the reader; None if no block of at least that size does."""
        block = self._starts.get(address)
        if block is None or block[2] < size:
            return None
        self._here[block] += 1
        return block

    def release(self, block: Block) -> None:
        """One of the two sides does not have it any more."""
        self._here[block] -= 1
        if self._here[block]:
            return
        del self._here[block]
        chunk, offset, size = block
        del self._starts[self._chunks[chunk].address + offset]
        room = -(-size // _PAGE) * _PAGE
        i = bisect.bisect_left(self._free, (chunk, offset, 0))
        if i < len(self._free) and self._free[i][:2] == (chunk, offset + room):
            room += self._free.pop(i)[2]
        if i and self._free[i - 1][0] == chunk and self._free[i - 1][1] + self._free[i - 1][2] == offset:
            i -= 1
            offset, before = self._free[i][1:]
            room += before
            del self._free[i]
        self._free.insert(i, (chunk, offset, room))


class Mirror:
    """The reader's side: maps the chunks of one worker, and collects the blocks that it has let go of."""

    def __init__(self) -> None:
        self._chunks: list[Segment] = []
        self._let_go: deque[Block] = deque()
        self._leases = Leases(self._let_go.append)

    def add(self, descriptor: int, size: int) -> None:
        """Map the next chunk."""
        self._chunks.append(Segment.attach(descriptor, size, close=True))

    def tensor(self, block: Block) -> Tensor:
        """The bytes of a block, as a tensor over the worker's memory."""
        return self._leases.tensor(self._chunks[block[0]], block)

    def let_go(self, block: Block) -> None:
        """Give a block back that was never read."""
        self._let_go.append(block)

    def collect(self) -> list[Block]:
        """The blocks that were let go of since the last time."""
        return [self._let_go.popleft() for _ in range(len(self._let_go))]
