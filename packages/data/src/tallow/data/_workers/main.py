"""What a worker process runs."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import select
from typing import Any

import tallow

from .._reading import IndexReader, StreamHost
from .._seeding import seed_worker
from ..collate import set_allocator
from ..worker import WorkerInfo, set_worker_info
from .arena import Arena
from .channel import Channel
from .failure import describe
from .parcel import pack

DATA, END, ERROR = range(3)
CHUNK, FAILED = -1, -2
"""Kinds of messages to the loader that are no answer to a task."""

_WATCH_MS = 5000
_kept: list[Any] = []


def run(end: Any, luggage: Any, worker_id: int, num_workers: int, base_seed: int, natural: bool) -> None:
    """Answer tasks until the loader closes its end or is gone.

    `natural`: the process is the worker of its number; else it only reads streams of workers of another loader.
    """
    channel = Channel(end, blocking=True)
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError, ConnectionResetError):
        gc.freeze()  # a collection would write to every object that was inherited
        try:
            worker = _Worker(channel, luggage, worker_id, num_workers, base_seed, natural)
        except Exception as error:
            channel.send(pickle.dumps((FAILED, describe(error))))
            return
        worker.serve()


class _Worker:
    def __init__(
        self, channel: Channel, luggage: Any, worker_id: int, num_workers: int, base_seed: int, natural: bool
    ) -> None:
        self.channel = channel
        self.natural = natural
        self.parent = os.getppid()
        root, self.recipe, self.init_fn, replaced = luggage.open()
        tallow.set_num_threads(1)  # not before, as opening may have imported a program that sets it
        _kept.append([replacement.apply() for replacement in replaced])  # letting go would write to every element
        self.dataset = root["dataset"]
        self.arena = Arena(self.announce)
        set_allocator(self.arena.allocate)
        self.host: StreamHost | None = None
        if natural:
            seed = seed_worker(base_seed, worker_id)
            set_worker_info(WorkerInfo(worker_id, num_workers, seed, self.dataset))
            if self.init_fn is not None:
                self.init_fn(worker_id)
        self.reader = IndexReader(self.dataset, self.recipe)

    def announce(self, segment: Any) -> None:
        self.channel.send_descriptor(segment.descriptor, pickle.dumps((CHUNK, len(segment))))

    def serve(self) -> None:
        poller = select.poll()
        poller.register(self.channel.fileno(), select.POLLIN)
        while True:
            while not poller.poll(_WATCH_MS):
                if os.getppid() != self.parent:
                    return
            frames = self.channel.receive()
            if frames is None:
                return
            for frame in frames:
                self.channel.send(self.answer(*pickle.loads(frame)))

    def answer(self, epoch: int, task: int, what: Any, let_go: list[Any]) -> bytes:
        """Do one task; `what` is an index of the sampler, or for an IterableDataset plans or the number of a stream."""
        for block in let_go:
            self.arena.release(block)
        try:
            kind, batch, position = self.read(what)
            content = pack(batch, self.arena)
        except Exception as error:
            kind, content, position = ERROR, describe(error), None  # type: ignore[assignment]
        return pickle.dumps((kind, epoch, task, content, position), 5)

    def read(self, what: Any) -> tuple[int, Any, Any]:
        if self.recipe.iterable:
            if isinstance(what, list):
                self.host = StreamHost(self.dataset, self.recipe, self.init_fn, what, self.natural)
                return DATA, None, None
            return self.read_stream(what)
        return DATA, self.reader.read(what), None

    def read_stream(self, number: int) -> tuple[int, Any, Any]:
        assert self.host is not None  # plans come before numbers
        try:
            batch = self.host.read(number)
        except StopIteration:
            return END, None, self.host.position(number)
        return DATA, batch, self.host.position(number)
