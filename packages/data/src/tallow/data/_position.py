"""Where in an epoch a loader is, so that another process can go on from there.

The position does not say which samples were read but how to find them again: how many batches were handed out, and
what the sampler needs to repeat the pass. It counts batches as the user saw them, so it is the same with any number of
workers, and what a worker had read ahead is simply read again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from ._seeding import get_states, set_states
from .sampler import is_resumable

VERSION = 1


class IndexPass:
    """One pass of a sampler, whose state can be taken and which can start where another one was."""

    def __init__(self, sampler: Any, state: dict[str, Any] | None = None, skip: int = 0) -> None:
        self.sampler = sampler
        self.resumable = is_resumable(sampler)
        if self.resumable:
            if state is not None:
                sampler.load_state_dict(state["sampler"])
            self.indices = iter(sampler)
            if skip:
                self.indices = skipped(self.indices, skip)
        elif state is None:
            self.began_at = get_states()
            self.indices = iter(sampler)
        else:
            # A sampler that knows nothing of resuming: let it draw what it drew then, and put the present back.
            now = get_states()
            self.began_at = state["random"]
            set_states(self.began_at)
            try:
                self.indices = skipped(iter(sampler), skip)
            finally:
                set_states(now)

    def state_dict(self) -> dict[str, Any]:
        """What repeats this pass."""
        return {"sampler": self.sampler.state_dict()} if self.resumable else {"random": self.began_at}


def skipped(iterator: Iterator[Any], count: int) -> Iterator[Any]:
    """`iterator` without its first `count`. One that draws at random when it is first asked has done so afterwards."""
    if count == 0:
        return itertools.chain(list(itertools.islice(iterator, 1)), iterator)
    next(itertools.islice(iterator, count, count), None)
    return iterator


def check_version(state: dict[str, Any]) -> None:
    """ValueError for a state that is none, or of a later version."""
    version = state.get("version") if isinstance(state, dict) else None
    if not isinstance(version, int) or not 1 <= version <= VERSION:
        raise ValueError(f"DataLoader.load_state_dict(): expected a state of version 1 to {VERSION}, got {version!r}")
