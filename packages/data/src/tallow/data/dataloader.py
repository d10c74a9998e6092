"""The loader: batches of a dataset, in the order of a sampler, from any point of an epoch."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import tallow

from ._iterators import LoaderIterator, make_epoch
from ._packed.replace import Packer
from ._position import VERSION, check_version
from ._reading import Recipe
from ._workers.pool import Pool
from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["DataLoader"]

T_co = TypeVar("T_co", covariant=True)

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class DataLoader(Generic[T_co]):
    """Batches of a dataset.

    Args:
        dataset: samples by index, or an IterableDataset.
        batch_size: samples in a batch. None: no batching, samples are only converted.
        shuffle: a new random order in every epoch.
        sampler: the order of indices, instead of `shuffle`.
        batch_sampler: lists of indices, instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
        num_workers: processes that read ahead; 0: batches are made in this process, when they are asked for.
        collate_fn: makes a batch of a list of samples. Default: :func:`~tallow.data.default_collate`.
        pin_memory: copy batches to page-locked memory. Ignored, with a warning, without an accelerator.
        drop_last: leave out a last batch that is not full.
        generator: draws the order of every epoch. Default: seeded for each epoch from the default generator.
        timeout: seconds to wait for a batch of the workers; 0: any time.
        worker_init_fn: called in each worker with its number, after its random generators were seeded.
        multiprocessing_context: "fork", "spawn", "forkserver" or a context. Default: Python's default.
        prefetch_factor: how many batches each worker reads ahead. Default: 2.
        persistent_workers: keep the workers, and what their datasets hold, from one epoch to the next.
        in_order: hand out batches in the order of the sampler. False: as they are ready.
        seed_batches: seed Python's, Tallow's and NumPy's generators for every batch, by its number in the epoch. What
            samples draw is then the same with any number of workers, and after resuming; torch has no such option.

    Raises:
        ValueError: for arguments that exclude each other or are out of range.
        RuntimeError: while iterating, if a worker is killed, ends, or does not answer within `timeout`.

    An exception in a worker is raised here as the same type, with the worker's traceback in its message.

    A loader can be stopped anywhere and go on in another process: :meth:`state_dict` between any two batches,
    :meth:`load_state_dict` into a loader of the same dataset and arguments; its next epoch is the rest of that one.

    >>> import tallow
    >>> from tallow.data import TensorDataset
    >>> loader = DataLoader(TensorDataset(tallow.arange(4)), batch_size=1)
    >>> batches = iter(loader)
    >>> _ = next(batches), next(batches)
    >>> state = loader.state_dict()
    >>> other = DataLoader(TensorDataset(tallow.arange(4)), batch_size=1)
    >>> other.load_state_dict(state)
    >>> [x.item() for (x,) in other], [x.item() for (x,) in other]
    ([2, 3], [0, 1, 2, 3])
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        seed_batches: bool = False,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.seed_batches = seed_batches
        self.persistent_workers = persistent_workers
        self.generator = generator
        iterable = isinstance(dataset, IterableDataset)
        if seed_batches and iterable:
            raise ValueError("seed_batches needs a dataset that is read by index, but got an IterableDataset")
        _check_order(iterable, batch_size, shuffle, sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size = None
        if sampler is None and not iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None and not iterable:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)  # type: ignore[arg-type]
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self._epoch: Any = None
        self._pending: dict[str, Any] | None = None
        self._kept_pool: Pool | None = None
        self._packer = Packer()
        self._reported_length: int | None = None
        _warn_of_many_workers(num_workers)
        self._ready = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and getattr(self, "_ready", False):
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_epoch": None, "_kept_pool": None, "_packer": Packer()}

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None or (isinstance(self.dataset, IterableDataset) and bool(self.batch_size))

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self.batch_sampler is not None else self.sampler

    def __iter__(self) -> Iterator[T_co]:
        pending, self._pending = self._pending, None
        self._epoch = make_epoch(self, pending)
        return LoaderIterator(self, self._epoch)

    def __len__(self) -> int:
        """The number of batches in a whole epoch."""
        if isinstance(self.dataset, IterableDataset):
            length = len(self.dataset)  # type: ignore[arg-type]
            if self.batch_size is not None:
                length = length // self.batch_size if self.drop_last else -(-length // self.batch_size)
            self._reported_length = length
            return length
        return len(self._index_sampler)

    # -- resuming ---------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The position: of the epoch in progress (the iterator that was made last), or between two epochs.

        It is taken between batches: the batch that was handed out last counts as used. States of random generators
        beside the sampler's, such as the one that dropout draws from, are not part of it.
        """
        if self._pending is not None:
            return dict(self._pending)
        state: dict[str, Any] = {"version": VERSION, "in_epoch": False, "batches": 0}
        epoch = self._epoch
        if epoch is not None and not epoch.exhausted:
            state.update(in_epoch=True, batches=epoch.batches, base_seed=epoch.base_seed, **epoch.state_dict())
        else:
            generator = self._order_generator()
            state["generator"] = None if generator is None else generator.get_state()
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Make the next epoch go on from the position that `state_dict` describes.

        Raises:
            ValueError: if it is no state of a loader, or one of a later version.
        """
        check_version(state_dict)
        self._epoch = None
        self._drop_pool()
        if state_dict["in_epoch"]:
            self._pending = dict(state_dict)
            return
        self._pending = None
        generator = self._order_generator()
        if generator is not None and state_dict.get("generator") is not None:
            generator.set_state(state_dict["generator"])

    def _order_generator(self) -> Any:
        """The generator that the user gave for the order, if any."""
        if self.generator is not None:
            return self.generator
        sampler = self._index_sampler
        while isinstance(sampler, BatchSampler):
            sampler = sampler.sampler
        return getattr(sampler, "generator", None)

    # -- what epochs ask for ----------------------------------------------------------------------------------

    def _recipe(self) -> Recipe:
        iterable = isinstance(self.dataset, IterableDataset)
        return Recipe(self.collate_fn, self.batch_size, self.drop_last, self._auto_collation, iterable)

    def _pool(self, base_seed: int, natural: bool = True) -> Pool:
        """The worker processes of a new epoch: those of the last one, if they are to persist."""
        pool = self._kept_pool
        if pool is not None and pool.alive and natural:
            return pool
        self._drop_pool()
        pool = Pool(self, self._recipe(), base_seed, natural)
        if self.persistent_workers and natural:
            pool.kept = True
            self._kept_pool = pool
        return pool

    def _drop_pool(self) -> None:
        pool, self._kept_pool = self._kept_pool, None
        if pool is not None:
            pool.close()

    def _pins(self) -> Callable[[Any], Any] | None:
        """What moves a batch to page-locked memory, if that was asked for and there is an accelerator."""
        if not self.pin_memory:
            return None
        cuda = getattr(tallow, "cuda", None)
        if cuda is None or not cuda.is_available():
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be "
                "used.",
                stacklevel=4,
            )
            return None
        return _pin

    def _warn_of_length(self, batches: int) -> None:
        if self._reported_length is not None and batches > self._reported_length:
            unit, advice = "samples" if self.batch_size is None else "batches", ""
            if self.num_workers:
                advice = "Each worker reads the whole dataset unless its __iter__ asks get_worker_info() for a part."
            warnings.warn(
                f"Length of IterableDataset {self.dataset} was reported to be {self._reported_length} (when accessing "
                f"len(dataloader)), but {batches} {unit} have been fetched. {advice}",
                stacklevel=3,
            )

    @property
    def multiprocessing_context(self) -> Any:
        """The multiprocessing context of the workers; None for Python's default."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, chosen: Any) -> None:
        if chosen is not None:
            if self.num_workers == 0:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
                    f"num_workers={self.num_workers}"
                )
            if isinstance(chosen, str):
                methods = multiprocessing.get_all_start_methods()
                if chosen not in methods:
                    raise ValueError(
                        f"multiprocessing_context option should specify a valid start method in {methods!r}, but got "
                        f"multiprocessing_context={chosen!r}"
                    )
                chosen = multiprocessing.get_context(chosen)
            if not isinstance(chosen, multiprocessing.context.BaseContext):
                raise TypeError(
                    "multiprocessing_context option should be a valid context object or a string specifying the start "
                    f"method, but got multiprocessing_context={chosen}"
                )
        self._context = chosen


def _pin(batch: Any) -> Any:
    if hasattr(batch, "pin_memory"):
        return batch.pin_memory()
    if isinstance(batch, dict):
        return {key: _pin(value) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_pin(value) for value in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(_pin(value) for value in batch)
    return batch


def _check_workers(num_workers: int, timeout: float, prefetch: int | None, persistent: bool) -> None:
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch is not None and prefetch < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _warn_of_many_workers(num_workers: int) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if num_workers > cores:
        warnings.warn(
            f"This DataLoader will create {num_workers} worker processes in total. Our suggested max number of worker "
            f"in current system is {cores}, which is smaller than what this DataLoader is going to create. Please be "
            "aware that excessive worker creation might get DataLoader running slow or even freeze, lower the worker "
            "number to avoid potential slowness/freeze if necessary.",
            stacklevel=3,
        )


def _check_order(
    iterable: bool,
    batch_size: int | None,
    shuffle: bool | None,
    sampler: Any,
    batch_sampler: Any,
    drop_last: bool,
) -> None:
    if iterable:
        if shuffle not in (False, None):
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified shuffle option, but got {shuffle=}"
            )
        if sampler is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified sampler option, but got {sampler=}"
            )
        if batch_sampler is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified batch_sampler option, but got {batch_sampler=}"
            )
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ValueError(
            "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
        )
    if batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
    if batch_size is not None and (not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0):
        raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
