"""Samplers: the order in which a dataset's indices are drawn.

A sampler that can be resumed has ``state_dict()``, which describes the pass in progress, and
``load_state_dict(state)``, after which the next pass repeats that one from its beginning. The random ones here do so by
keeping the state that their generator had when the pass began.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import tallow
from tallow import Tensor

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """The base: subclasses define ``__iter__``, and ``__len__`` where the number is known.

    >>> class Backwards(Sampler):
    ...     def __init__(self, data):
    ...         self.data = data
    ...     def __iter__(self):
    ...         return iter(range(len(self.data) - 1, -1, -1))
    >>> list(Backwards("abc"))
    [2, 1, 0]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError("Subclasses of Sampler should implement __iter__.")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ... in order.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)

    def state_dict(self) -> dict[str, Any]:
        """Every pass is the same: nothing."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing to take."""


class _RandomPasses(Sampler[int]):
    """A sampler that draws each pass from a generator: its own, or one seeded from the default generator."""

    def __init__(self, generator: Any) -> None:
        self.generator = generator
        self._began_at: Tensor | None = None
        self._replay_from: Tensor | None = None

    def _begin(self) -> Any:
        """The generator of a new pass, in the state that :meth:`state_dict` reports from now on."""
        generator = self.generator
        replayed, self._replay_from = self._replay_from, None
        if generator is None:
            generator = tallow.Generator()
            if replayed is None:
                generator.manual_seed(draw_seed())
        if replayed is not None:
            generator.set_state(replayed)
        self._began_at = generator.get_state()
        return generator

    def state_dict(self) -> dict[str, Any]:
        """The state of the generator at the beginning of the pass in progress."""
        return {"generator": self._began_at}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Make the next pass the one that `state_dict` was taken in."""
        self._replay_from = state_dict["generator"]


class RandomSampler(_RandomPasses):
    """A random order.

    Args:
        data_source: what is sampled; only its length counts.
        replacement: draw each index independently instead of shuffling. Default: False.
        num_samples: how many are drawn. Default: the length.
        generator: what draws. Default: one that is seeded anew for every pass from the default generator.

    Raises:
        TypeError: if `replacement` is no bool.
        ValueError: if `num_samples` is no positive integer.

    >>> sorted(RandomSampler(range(4)))
    [0, 1, 2, 3]
    """

    def __init__(
        self, data_source: Any, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        super().__init__(generator)
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self) -> int:
        """How many indices a pass has; follows the length of the dataset if it was not given."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        return itertools.islice(self._draw(self._begin(), len(self.data_source)), self.num_samples)

    def _draw(self, generator: Any, n: int) -> Iterator[int]:
        while n > 0:
            if self.replacement:  # in blocks, so that a long pass is not held in memory
                yield from tallow.randint(n, (1024,), dtype=tallow.int64, generator=generator).tolist()
            else:
                yield from tallow.randperm(n, generator=generator).tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(_RandomPasses):
    """The given indices in a random order.

    >>> sorted(SubsetRandomSampler([5, 7]))
    [5, 7]
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        super().__init__(generator)
        self.indices = indices

    def __iter__(self) -> Iterator[int]:
        order = tallow.randperm(len(self.indices), generator=self._begin()).tolist()
        return (self.indices[i] for i in order)

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(_RandomPasses):
    """Indices with probabilities in proportion to `weights`.

    Args:
        weights: one for each index; they need not sum to 1.
        num_samples: how many are drawn.
        replacement: whether an index may come twice. Default: True.

    Raises:
        ValueError: if `num_samples` is no positive integer, `replacement` no bool, or `weights` not one-dimensional.

    >>> list(WeightedRandomSampler([0.0, 1.0], 3))
    [1, 1, 1]
    """

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None
    ) -> None:
        super().__init__(generator)
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = tallow.as_tensor(weights, dtype=tallow.float64)
        if self.weights.dim() != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement

    def __iter__(self) -> Iterator[int]:
        generator = self._begin()
        return iter(tallow.multinomial(self.weights, self.num_samples, self.replacement, generator=generator).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of `batch_size` indices of another sampler; a shorter last one is left out with `drop_last`.

    Raises:
        ValueError: if `batch_size` is no positive integer, or `drop_last` no bool.

    >>> list(BatchSampler(SequentialSampler(range(5)), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        return self._batches(iter(self.sampler))  # the pass begins now, not at the first batch

    def _batches(self, indices: Iterator[int]) -> Iterator[list[int]]:
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def state_dict(self) -> dict[str, Any]:
        """The state of the sampler beneath."""
        return self.sampler.state_dict()  # type: ignore[attr-defined]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Hand the state to the sampler beneath."""
        self.sampler.load_state_dict(state_dict)  # type: ignore[attr-defined]


def draw_seed(generator: Any = None) -> int:
    """A seed from `generator`, or from the default one."""
    return int(tallow.randint(0, 2**63 - 1, (), dtype=tallow.int64, generator=generator).item())


def is_resumable(sampler: Any) -> bool:
    """Whether a sampler, or the one beneath a BatchSampler, has the two methods of the protocol."""
    while isinstance(sampler, BatchSampler):
        sampler = sampler.sampler
    return callable(getattr(sampler, "state_dict", None)) and callable(getattr(sampler, "load_state_dict", None))
