"""The worker processes of a loader, as the loader sees them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import select
import signal
import socket
import time
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .._reading import Recipe
from .arena import Mirror
from .channel import Channel
from .failure import rebuild
from .launch import Luggage, process_type
from .main import CHUNK, FAILED, run
from .parcel import Parcel, discard, unpack

if TYPE_CHECKING:
    from ..dataloader import DataLoader

_ends: weakref.WeakSet[Channel] = weakref.WeakSet()
_PATIENCE = 5.0


def _close_in_child() -> None:
    # A forked process must not keep the loader's ends open: workers know by them that the loader is gone.
    for channel in list(_ends):
        channel.socket.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


class Worker:
    """One process."""

    def __init__(self, number: int, process: Any, channel: Channel) -> None:
        self.number = number
        self.process = process
        self.channel = channel
        self.mirror = Mirror()

    def __str__(self) -> str:
        return f"in DataLoader worker process {self.number}"

    def send(self, epoch: int, task: int, what: Any) -> None:
        """Give it a task, and the blocks that were let go of."""
        self.channel.send(pickle.dumps((epoch, task, what, self.mirror.collect()), 5))

    def open(self, parcel: Parcel) -> Any:
        """What a parcel holds."""
        return unpack(parcel, self.mirror)

    def discard(self, content: Any) -> None:
        """Give back the memory of an answer that nobody waits for."""
        if content and isinstance(content[1], list):
            discard(content, self.mirror)


Answer = tuple[Worker, int, int, Any, Any]
"""Who answers, the kind of the answer, the task, the content, the position."""


class Pool:
    """Starts the processes, and ends them when it is closed or garbage."""

    def __init__(self, loader: DataLoader, recipe: Recipe, base_seed: int, natural: bool = True) -> None:
        self.timeout = loader.timeout
        self.epoch = 0
        self.kept = False
        chosen = loader.multiprocessing_context or multiprocessing.get_context()
        kind = process_type(chosen)
        root = {"dataset": loader.dataset}
        replaced = loader._packer.replacements(root)
        forked = chosen.get_start_method() == "fork"
        content = (root, recipe, loader.worker_init_fn, replaced if forked else [])
        luggage = Luggage(content, {id(r.original): r.packed for r in replaced})
        self._luggage = luggage  # what workers map of it counts as shared as long as it is mapped here too
        self.workers: list[Worker] = []
        self._poll = select.poll()
        self._by_fd: dict[int, Worker] = {}
        self.close = weakref.finalize(self, _close, self.workers, os.getpid())
        for number in range(loader.num_workers):
            ours, theirs = socket.socketpair()
            channel = Channel(ours, blocking=False)
            _ends.add(channel)
            args = (theirs, luggage, number, loader.num_workers, base_seed, natural)
            process = kind(target=run, args=args, daemon=True)
            try:
                process.start()
            except BaseException:
                channel.close()
                raise
            finally:
                theirs.close()
            worker = Worker(number, process, channel)
            self.workers.append(worker)
            for fd in (channel.fileno(), process.sentinel):
                self._by_fd[fd] = worker
                self._poll.register(fd, select.POLLIN)

    @property
    def alive(self) -> bool:
        """Whether it was not closed."""
        return self.close.alive

    def begin(self) -> int:
        """A new epoch: answers to the tasks of earlier ones are dropped from now on."""
        self.epoch += 1
        return self.epoch

    def answers(self) -> Iterator[Answer]:
        """What workers have answered; waits until there is something.

        Raises:
            RuntimeError: if a worker ended, could not start, or `timeout` seconds are over.
        """
        until = time.monotonic() + self.timeout if self.timeout else None
        while True:
            if not self.alive:
                raise RuntimeError("DataLoader: the workers of this iterator have ended")
            found = list(self._received(until))
            if found:
                return iter(found)
            if until is not None and time.monotonic() >= until:
                raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds")

    def _received(self, until: float | None) -> Iterator[Answer]:
        wait = None if until is None else max(0.0, until - time.monotonic()) * 1000
        ended = None
        for worker in self._unsent():
            self._poll.modify(worker.channel.fileno(), select.POLLIN | select.POLLOUT)
        for fd, events in self._poll.poll(wait):
            worker = self._by_fd[fd]
            if fd != worker.channel.fileno():
                ended = worker
                continue
            if events & select.POLLOUT and worker.channel.flush():
                self._poll.modify(fd, select.POLLIN)
            if events & ~select.POLLOUT:
                frames = worker.channel.receive()
                if frames is None:
                    ended = worker
                else:
                    yield from self._answers_of(worker, frames)
        if ended is not None:
            message = _obituary(ended)
            self.close()  # the others have nobody to work for
            raise RuntimeError(message)

    def _unsent(self) -> list[Worker]:
        return [worker for worker in self.workers if not worker.channel.flush()]

    def _answers_of(self, worker: Worker, frames: list[bytes]) -> Iterator[Answer]:
        for frame in frames:
            kind, *rest = pickle.loads(frame)
            if kind == CHUNK:
                worker.mirror.add(worker.channel.descriptors.popleft(), *rest)
            elif kind == FAILED:
                self.close()
                raise rebuild(rest[0], str(worker))
            else:
                epoch, task, content, position = rest
                if epoch == self.epoch:
                    yield worker, kind, task, content, position
                else:
                    worker.discard(content)


def _obituary(worker: Worker) -> str:
    process = worker.process
    process.join(1)
    code = process.exitcode
    if code is not None and code < 0:
        return f"DataLoader worker (pid {process.pid}) is killed by signal: {signal.strsignal(-code)}. "
    return f"DataLoader worker (pid(s) {process.pid}) exited unexpectedly with exit code {code}"


def _close(workers: list[Worker], owner: int) -> None:
    """Close the ends, at which workers stop; one that is still in the middle of something after a while is ended."""
    if os.getpid() != owner:
        return
    for worker in workers:
        worker.channel.close()
    until = time.monotonic() + _PATIENCE
    for end in ("join", "terminate", "kill"):
        for worker in workers:
            if worker.process.exitcode is None:
                getattr(worker.process, end)(*[max(0.0, until - time.monotonic())] if end == "join" else [])
        if end != "join":
            for worker in workers:
                worker.process.join(1)
    for worker in workers:
        with contextlib.suppress(ValueError):  # a process that even SIGKILL did not end yet
            worker.process.close()
    workers.clear()
