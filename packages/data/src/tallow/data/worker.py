"""What a dataset can learn about the process that reads it."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["WorkerInfo", "get_worker_info"]


class WorkerInfo(NamedTuple):
    """The worker that asks.

    Attributes:
        id: from 0.
        num_workers: how many there are.
        seed: what its random generators were seeded with: the loader's seed of the epoch plus `id`.
        dataset: the dataset of this worker: a copy of the loader's.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str | None = "multiprocessing"


_current: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process of a DataLoader: its id, the number of workers, its seed and dataset; else None.

    >>> get_worker_info() is None
    True
    """
    return _current


def set_worker_info(info: WorkerInfo | None) -> None:
    """What :func:`get_worker_info` answers in this process from now on."""
    global _current
    _current = info
