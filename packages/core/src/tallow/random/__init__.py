"""The state of random numbers, as ``torch.random``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from tallow import default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


@contextlib.contextmanager
def fork_rng(devices: Iterable[Any] | None = None, enabled: bool = True, device_type: str = "cpu") -> Iterator[None]:
    """Random numbers drawn in the block leave the generator as it was.

    >>> import tallow
    >>> _ = tallow.manual_seed(1)
    >>> with tallow.random.fork_rng():
    ...     a = tallow.rand(2)
    >>> bool((a == tallow.rand(2)).all())
    True
    """
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
