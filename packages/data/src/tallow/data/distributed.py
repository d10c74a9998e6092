"""The part of a dataset that one process of many reads."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import tallow

from .sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th index of an order that is the same in all processes.

    Args:
        dataset: what is sampled; its length must be the same everywhere.
        num_replicas: the number of processes. Default: that of the process group.
        rank: which one this is. Default: the rank in the process group.
        shuffle: a random order, drawn from `seed` and the number that :meth:`set_epoch` was given. Default: True.
        drop_last: leave out what does not divide; else the first indices come twice, so that all get as many.

    Raises:
        RuntimeError: without `num_replicas` or `rank`, if there is no process group.
        ValueError: if `rank` is not one of 0 to `num_replicas` - 1.

    >>> [list(DistributedSampler(range(5), 2, rank, shuffle=False)) for rank in range(2)]
    [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None:
            num_replicas = _process_group().get_world_size()
        if rank is None:
            rank = _process_group().get_rank()
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        count = len(dataset)
        self.num_samples = count // num_replicas if drop_last else -(-count // num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed
        self._pass_epoch = 0
        self._replay: int | None = None

    def __iter__(self) -> Iterator[int]:
        self._pass_epoch = self.epoch if self._replay is None else self._replay
        self._replay = None
        count = len(self.dataset)
        indices: Any = range(count)
        if self.shuffle:
            generator = tallow.Generator()
            generator.manual_seed(self.seed + self._pass_epoch)
            indices = tallow.randperm(count, generator=generator).tolist()
        padded = itertools.islice(itertools.cycle(indices), self.total_size)
        return itertools.islice(padded, self.rank, None, self.num_replicas)

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """The number of the epoch that begins: without it all have the same order."""
        self.epoch = epoch

    def state_dict(self) -> dict[str, Any]:
        """The epoch of the pass in progress."""
        return {"epoch": self._pass_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Make the next pass the one that `state_dict` was taken in."""
        self._replay = state_dict["epoch"]


def _process_group() -> Any:
    distributed = getattr(tallow, "distributed", None)
    if distributed is None or not distributed.is_available():
        raise RuntimeError("Requires distributed package to be available")
    return distributed
