"""The older place of ``tallow.profiler``."""

from __future__ import annotations

from typing import Any

from tallow import profiler as _profiler
from tallow.profiler import record_function

__all__ = ["profile", "record_function"]


class profile(_profiler.profile):
    """Records the ops that the thread runs in the block; with ``enabled=False`` it does nothing.

    >>> import tallow
    >>> with tallow.autograd.profiler.profile() as p:
    ...     _ = tallow.ones(2).exp()
    >>> p.key_averages()[-1].key
    'exp'
    """

    def __init__(self, enabled: bool = True, *, record_shapes: bool = False, **options: Any) -> None:
        action = _profiler.ProfilerAction.RECORD if enabled else _profiler.ProfilerAction.NONE
        super().__init__(schedule=lambda step: action, record_shapes=record_shapes)
