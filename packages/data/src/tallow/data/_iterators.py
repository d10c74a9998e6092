"""One epoch of a loader: in this process, or read ahead by workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ._position import IndexPass
from ._reading import IndexReader, Seeded, StreamHost, StreamPlan, compact
from ._seeding import kept_states
from ._workers.failure import rebuild
from ._workers.main import DATA, ERROR
from ._workers.pool import Pool, Worker
from .sampler import draw_seed

if TYPE_CHECKING:
    from .dataloader import DataLoader


class _Epoch:
    """What all kinds share: the count of batches handed out, and the seed of the workers.

    The seed is drawn without workers too, so that their number does not change any random number that follows.
    """

    def __init__(self, loader: DataLoader, pending: dict[str, Any] | None) -> None:
        self.batches = 0 if pending is None else pending["batches"]
        self.base_seed = draw_seed(loader.generator) if pending is None else pending["base_seed"]
        self.exhausted = False
        self._pin = loader._pins()

    def next(self) -> Any:
        """The next batch; StopIteration after the last."""
        try:
            batch = self._next()
        except StopIteration:
            self.exhausted = True
            raise
        return batch if self._pin is None else self._pin(batch)

    def abandon(self) -> None:
        """Nobody will read on."""

    def _next(self) -> Any:
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """What finds the samples of this epoch again."""
        raise NotImplementedError


class LoaderIterator:
    """What ``iter(loader)`` returns. When it is gone the processes of its epoch end; the position stays known."""

    def __init__(self, loader: DataLoader, epoch: _Epoch) -> None:
        self._loader = loader  # not the epoch's, which the loader refers to: the workers of a loader end with it
        self._epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        batch = self._epoch.next()
        if self._loader._reported_length is not None:
            self._loader._warn_of_length(self._epoch.batches)
        return batch

    def __len__(self) -> int:
        return len(self._loader)

    def __del__(self) -> None:
        self._epoch.abandon()


class _IndexEpoch(_Epoch):
    """An epoch of a dataset that is read by index; a batch that raised counts as read.

    `batches` are the first ones, all handed out; `_later` the numbers of others that came out of order.
    """

    def __init__(self, loader: DataLoader, pending: dict[str, Any] | None) -> None:
        super().__init__(loader, pending)
        self._pass = IndexPass(loader._index_sampler, pending, self.batches)
        self._later: set[int] = set() if pending is None else set(pending["later"])
        self._tasks: Iterator[tuple[int, Any]] = enumerate(self._pass.indices, self.batches)
        if self._later:
            seen = frozenset(self._later)
            self._tasks = (task for task in self._tasks if task[0] not in seen)
        self._seed_batches = loader.seed_batches

    def _wanted(self, number: int, index: Any) -> Any:
        """What is read for a task."""
        return Seeded(self.base_seed, number, index) if self._seed_batches else index

    def _handed_out(self, number: int) -> None:
        if number != self.batches:
            self._later.add(number)
            return
        self.batches += 1
        while self.batches in self._later:
            self._later.remove(self.batches)
            self.batches += 1

    def state_dict(self) -> dict[str, Any]:
        return {"later": sorted(self._later), **self._pass.state_dict()}


class LocalIndexEpoch(_IndexEpoch):
    """An epoch by index in this process."""

    def __init__(self, loader: DataLoader, pending: dict[str, Any] | None) -> None:
        super().__init__(loader, pending)
        self._read = IndexReader(loader.dataset, loader._recipe()).read

    def _next(self) -> Any:
        number, index = next(self._tasks)
        self._handed_out(number)
        with kept_states() if self._seed_batches else nullcontext():
            return self._read(self._wanted(number, index))


class _WithWorkers:
    """The side of an epoch that has to do with processes."""

    _pool: Pool
    _epoch: int

    def _open_pool(self, pool: Pool) -> None:
        self._pool = pool
        self._epoch = pool.begin()

    def _check(self) -> None:
        if self._pool.epoch != self._epoch:
            raise RuntimeError(
                "This iterator of a DataLoader with persistent_workers=True was replaced: its workers are reading for "
                "a later one"
            )

    def abandon(self) -> None:
        """End the processes, unless they are kept for further epochs."""
        if not self._pool.kept:
            self._pool.close()

    def _content(self, worker: Worker, kind: int, content: Any) -> Any:
        if kind == ERROR:
            raise rebuild(content, str(worker))
        return worker.open(content)


class WorkerIndexEpoch(_WithWorkers, _IndexEpoch):
    """An epoch by index, read ahead by workers.

    Batch `i` is the task of worker ``i % N``, always, so that what a worker draws at random does not depend on speed;
    with ``in_order=False`` a worker gets a new task when it has done one, and batches come as they are ready.
    """

    def __init__(self, loader: DataLoader, pending: dict[str, Any] | None) -> None:
        super().__init__(loader, pending)
        self._open_pool(loader._pool(self.base_seed))
        self._in_order = loader.in_order
        self._outstanding: deque[int] = deque()  # in the order in which they were sent, or with in_order=False arrived
        self._awaited = 0
        self._answers: dict[int, tuple[Worker, int, Any]] = {}
        workers = self._pool.workers
        for i in range((loader.prefetch_factor or 2) * len(workers)):
            self._send(workers[i % len(workers)])

    def _send(self, idle: Worker) -> None:
        for number, index in self._tasks:
            workers = self._pool.workers
            worker = workers[number % len(workers)] if self._in_order else idle
            worker.send(self._epoch, number, self._wanted(number, compact(index)))
            self._awaited += 1
            if self._in_order:
                self._outstanding.append(number)
            return

    def _next(self) -> Any:
        self._check()
        if not self._awaited:
            self.abandon()
            raise StopIteration
        while not self._outstanding or self._outstanding[0] not in self._answers:
            for worker, kind, number, content, _ in self._pool.answers():
                self._answers[number] = (worker, kind, content)
                if not self._in_order:
                    self._outstanding.append(number)
        number = self._outstanding.popleft()
        worker, kind, content = self._answers.pop(number)
        self._awaited -= 1
        self._handed_out(number)
        self._send(worker)
        return self._content(worker, kind, content)


class _StreamEpoch(_Epoch):
    """An epoch of a dataset that is read by iteration."""

    def __init__(self, loader: DataLoader, pending: dict[str, Any] | None) -> None:
        super().__init__(loader, pending)
        self._plans = _plans(loader, self.base_seed, pending)
        self._turn = 0 if pending is None else pending["turn"]
        self._positions: list[Any] = [plan.position for plan in self._plans]
        self._live = [not position.get("over") for position in self._positions]

    def _next(self) -> Any:
        while any(self._live):
            number = self._turn % len(self._live)
            self._turn = number + 1
            if not self._live[number]:
                continue
            try:
                batch = self._read(number)
            except StopIteration:
                self._live[number] = False
                continue
            self.batches += 1
            return batch
        self.abandon()
        raise StopIteration

    def _read(self, number: int) -> Any:
        raise NotImplementedError

    def _position(self, number: int) -> Any:
        return self._positions[number]

    def state_dict(self) -> dict[str, Any]:
        positions = [{**self._position(i), "over": not live} for i, live in enumerate(self._live)]
        return {"streams": positions, "workers": self._plans[0].streams, "turn": self._turn}


def _plans(loader: DataLoader, base_seed: int, pending: dict[str, Any] | None) -> list[StreamPlan]:
    streams = loader.num_workers if pending is None else pending["workers"]
    positions = [{} for _ in range(streams or 1)] if pending is None else pending["streams"]
    return [StreamPlan(number, streams, base_seed, position) for number, position in enumerate(positions)]


class LocalStreamEpoch(_StreamEpoch):
    """An epoch by iteration in this process."""

    def __init__(self, loader: DataLoader, pending: dict[str, Any] | None) -> None:
        super().__init__(loader, pending)
        self._host = StreamHost(loader.dataset, loader._recipe(), loader.worker_init_fn, self._plans, natural=False)
        self._read = self._host.read  # type: ignore[method-assign]

    def _position(self, number: int) -> Any:
        return self._host.position(number)


class WorkerStreamEpoch(_WithWorkers, _StreamEpoch):
    """An epoch by iteration, read ahead by workers: a batch of every stream in turn."""

    def __init__(self, loader: DataLoader, pending: dict[str, Any] | None) -> None:
        super().__init__(loader, pending)
        natural = self._plans[0].streams == loader.num_workers
        self._open_pool(loader._pool(self.base_seed, natural))
        self._answers: list[deque[tuple[int, Any, Any]]] = [deque() for _ in self._plans]
        workers = self._pool.workers
        self._workers = [workers[plan.stream % len(workers)] for plan in self._plans]
        for worker in workers:
            worker.send(self._epoch, -1, [plan for plan in self._plans if self._workers[plan.stream] is worker])
        for _ in range(loader.prefetch_factor or 2):
            for number, worker in enumerate(self._workers):
                if self._live[number]:
                    worker.send(self._epoch, number, number)

    def _read(self, number: int) -> Any:
        self._check()
        answers = self._answers[number]
        while not answers:
            for worker, kind, task, content, position in self._pool.answers():
                if task >= 0:
                    self._answers[task].append((kind, content, position))
                elif kind == ERROR:
                    raise rebuild(content, str(worker))
        kind, content, position = answers.popleft()
        if position is not None:
            self._positions[number] = position
        if kind not in (DATA, ERROR):
            raise StopIteration
        worker = self._workers[number]
        worker.send(self._epoch, number, number)
        return self._content(worker, kind, content)


def make_epoch(loader: DataLoader, pending: dict[str, Any] | None) -> _Epoch:
    """The kind of epoch that suits the loader."""
    iterable = loader._recipe().iterable
    if loader.num_workers and loader.prefetch_factor == 0:
        raise AssertionError("prefetch_factor must be greater than 0 for a DataLoader with num_workers > 0")
    if not loader.num_workers and loader.timeout:
        raise AssertionError(f"a DataLoader without workers requires timeout == 0, got {loader.timeout}")
    if loader.num_workers:
        return (WorkerStreamEpoch if iterable else WorkerIndexEpoch)(loader, pending)
    return (LocalStreamEpoch if iterable else LocalIndexEpoch)(loader, pending)
