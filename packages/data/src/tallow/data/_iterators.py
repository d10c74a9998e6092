"""One epoch of a loader in this process."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ._position import IndexPass
from .sampler import draw_seed

if TYPE_CHECKING:
    from .dataloader import DataLoader


class _Epoch:
    """What both kinds share: the count of batches handed out, and the seed that workers would get.

    The seed is drawn without workers too, so that their number does not change any random number that follows.
    """

    def __init__(self, loader: DataLoader, pending: dict[str, Any] | None) -> None:
        self.loader = loader
        self.batches = 0 if pending is None else pending["batches"]
        self.base_seed = draw_seed(loader.generator) if pending is None else pending["base_seed"]
        self.exhausted = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            batch = self._next()
        except StopIteration:
            self.exhausted = True
            raise
        self.batches += 1
        return self.loader._pinned(batch)

    def __len__(self) -> int:
        return len(self.loader)

    def _next(self) -> Any:
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """What finds the samples of this epoch again."""
        raise NotImplementedError


class MapIterator(_Epoch):
    """An epoch of a dataset that is read by index."""

    def __init__(self, loader: DataLoader, pending: dict[str, Any] | None) -> None:
        super().__init__(loader, pending)
        self._pass = IndexPass(loader._index_sampler, pending, self.batches)
        self._collate = loader.collate_fn
        self._auto_collation = loader._auto_collation
        batch_of = getattr(loader.dataset, "__getitems__", None)
        self._batch_of = batch_of if callable(batch_of) else None

    def _next(self) -> Any:
        index = next(self._pass.indices)
        if not self._auto_collation:
            return self._collate(self.loader.dataset[index])
        if self._batch_of is not None:
            return self._collate(self._batch_of(index))
        dataset = self.loader.dataset
        return self._collate([dataset[i] for i in index])

    def state_dict(self) -> dict[str, Any]:
        return self._pass.state_dict()


class IterableIterator(_Epoch):
    """An epoch of a dataset that is read by iteration."""

    def __init__(self, loader: DataLoader, pending: dict[str, Any] | None) -> None:
        super().__init__(loader, pending)
        self._size = loader.batch_size
        dataset = loader.dataset
        saved = None if pending is None else pending["dataset"]
        if saved is not None:
            dataset.load_state_dict(saved)
        # A last batch that is not full has met the end of the stream, and the dataset may have begun anew since.
        self._ended = False if pending is None else pending["ended"]
        self._samples = iter(()) if self._ended else iter(dataset)
        if saved is None and self.batches:
            seen = self.batches * (self._size or 1)
            next(itertools.islice(self._samples, seen, seen), None)

    def _next(self) -> Any:
        if self._size is None:
            return self.loader.collate_fn(next(self._samples))
        samples = list(itertools.islice(self._samples, self._size))
        self._ended = len(samples) < self._size
        if not samples or (self.loader.drop_last and len(samples) < self._size):
            raise StopIteration
        return self.loader.collate_fn(samples)

    def state_dict(self) -> dict[str, Any]:
        save = getattr(self.loader.dataset, "state_dict", None)
        return {"dataset": save() if callable(save) else None, "ended": self._ended}
