"""Reading batches of a dataset, in whichever process that happens."""

from __future__ import annotations

import copy
import itertools
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ._position import skipped
from ._seeding import get_states, kept_states, seed_worker, set_states
from .worker import WorkerInfo, get_worker_info, set_worker_info

_LONG = 32


class Recipe(NamedTuple):
    """What makes a batch of samples."""

    collate_fn: Callable[[Any], Any]
    batch_size: int | None
    drop_last: bool
    auto_collation: bool
    iterable: bool


class Seeded(NamedTuple):
    """An index that is read with generators seeded for its number in the epoch: the same draws, whoever reads it."""

    base_seed: int
    number: int
    index: Any


def compact(index: Any) -> Any:
    """A long list of int as an array: a worker need not make them all at once. Anything else as it is."""
    if type(index) is list and len(index) >= _LONG and set(map(type, index)) == {int}:
        try:
            return array("q", index)
        except OverflowError:
            return index
    return index


class IndexReader:
    """Batches of a dataset that is read by index."""

    def __init__(self, dataset: Any, recipe: Recipe) -> None:
        self._dataset = dataset
        self._collate = recipe.collate_fn
        self._auto_collation = recipe.auto_collation
        batch_of = getattr(dataset, "__getitems__", None)
        self._batch_of = batch_of if callable(batch_of) else None

    def read(self, index: Any) -> Any:
        """The batch of a list of indices; without batching, the sample of one."""
        if type(index) is Seeded:
            seed_worker(index.base_seed, index.number)
            index = index.index
        dataset = self._dataset
        if not self._auto_collation:
            return self._collate(dataset[index])
        if self._batch_of is not None:
            return self._collate(self._batch_of(index.tolist() if type(index) is array else index))
        return self._collate([dataset[i] for i in index])


class StreamPlan(NamedTuple):
    """Where a pass over an IterableDataset begins.

    A loader with N workers reads N streams, one by a worker. A stream keeps its number, the N that its dataset sees,
    and its seed when an epoch goes on with another number of processes: one of them then reads several streams.
    """

    stream: int
    streams: int  # 0: read without workers, and without get_worker_info()
    base_seed: int
    position: dict[str, Any]


class Stream:
    """One pass over an IterableDataset, whose position can be taken and which can start at one."""

    def __init__(self, dataset: Any, recipe: Recipe, position: dict[str, Any], own_process: bool = False) -> None:
        self._dataset = dataset
        self._recipe = recipe
        self._own_process = own_process
        self.batches = position.get("batches", 0)
        self.ended = position.get("ended", False)
        save = getattr(dataset, "state_dict", None)
        self._save = save if callable(save) and callable(getattr(dataset, "load_state_dict", None)) else None
        self._began_at: dict[str, Any] | None = position.get("began_at")
        if self.ended:  # the dataset may have begun anew since
            self._samples: Iterator[Any] = iter(())
        elif self._save is not None:
            if "dataset" in position:
                dataset.load_state_dict(position["dataset"])
            if "random" in position:
                set_states(position["random"])
            self._samples = iter(dataset)
        else:
            self._replay()

    def _replay(self) -> None:
        """Read again what was read, as the random numbers were then; outside a worker, put the present ones back."""
        seen = self.batches * (self._recipe.batch_size or 1)
        if self._own_process:
            self._samples = iter(self._dataset)
            if seen:
                self._samples = skipped(self._samples, seen)
            return
        now = get_states()
        if self._began_at is None:
            self._began_at = now
            self._samples = iter(self._dataset)
            return
        set_states(self._began_at)
        try:
            self._samples = skipped(iter(self._dataset), seen)
        finally:
            set_states(now)

    def read(self) -> Any:
        """The next batch; StopIteration after the last."""
        recipe = self._recipe
        if self.ended:
            raise StopIteration
        if recipe.batch_size is None:
            try:
                batch = next(self._samples)
            except StopIteration:
                self.ended = True
                raise
        else:
            batch = list(itertools.islice(self._samples, recipe.batch_size))
            self.ended = len(batch) < recipe.batch_size
            if not batch or (recipe.drop_last and self.ended):
                raise StopIteration
        self.batches += 1
        return recipe.collate_fn(batch)

    def position(self) -> dict[str, Any]:
        """What goes on behind the last batch."""
        position: dict[str, Any] = {"batches": self.batches, "ended": self.ended}
        if self._save is not None:
            position["dataset"] = self._save()
            if self._own_process:
                position["random"] = get_states()
        elif self._began_at is not None:
            position["began_at"] = self._began_at
        return position


class StreamHost:
    """The streams that this process reads.

    Each sees the worker that it belongs to: its number, its random generators and its own copy of the dataset. Where
    the process is that worker itself (`natural`), that is so already; else it is so while the stream is read.
    """

    def __init__(
        self,
        dataset: Any,
        recipe: Recipe,
        init_fn: Callable[[int], None] | None,
        plans: list[StreamPlan],
        natural: bool,
    ) -> None:
        self._natural = natural
        self._streams: dict[int, Stream] = {}
        self._worlds: dict[int, tuple[dict[str, Any], WorkerInfo | None]] = {}
        for plan in plans:
            if natural or not plan.streams:
                self._streams[plan.stream] = Stream(dataset, recipe, plan.position, own_process=natural)
                continue
            own = copy.deepcopy(dataset)
            with self._outside():
                seed = seed_worker(plan.base_seed, plan.stream)
                info = WorkerInfo(plan.stream, plan.streams, seed, own)
                set_worker_info(info)
                if init_fn is not None:
                    init_fn(plan.stream)
                self._streams[plan.stream] = Stream(own, recipe, plan.position, own_process=True)
                self._worlds[plan.stream] = (get_states(), info)

    def read(self, number: int) -> Any:
        """The next batch of a stream."""
        with self._world(number):
            return self._streams[number].read()

    def position(self, number: int) -> dict[str, Any]:
        """The position of a stream."""
        with self._world(number):
            return self._streams[number].position()

    @contextmanager
    def _world(self, number: int) -> Iterator[None]:
        if number not in self._worlds:
            yield
            return
        states, info = self._worlds[number]
        with self._outside():
            set_states(states)
            set_worker_info(info)
            try:
                yield
            finally:
                self._worlds[number] = (get_states(), info)

    @contextmanager
    def _outside(self) -> Iterator[None]:
        """Leave the process as it was."""
        info = get_worker_info()
        with kept_states():
            try:
                yield
            finally:
                set_worker_info(info)
