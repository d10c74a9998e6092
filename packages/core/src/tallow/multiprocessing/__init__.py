"""Python's :mod:`multiprocessing`, with tensors in shared memory.

Everything of that module is here under its name. Tensors that are sent to another process, through a queue, a pipe or
as an argument, are moved to shared memory and mapped there, not copied; what one process writes, all see.
"""

from __future__ import annotations

import multiprocessing as _multiprocessing
from multiprocessing import *  # noqa: F403

from .reductions import install as _install
from .spawn import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    spawn,
    start_processes,
)

__all__ = [
    *_multiprocessing.__all__,  # type: ignore[attr-defined]
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]

_STRATEGIES = ("file_descriptor", "file_system")
_strategy = _STRATEGIES[0]


def get_all_sharing_strategies() -> set[str]:
    """The names of torch's ways to share memory. Here there is one, which leaves nothing behind and runs short of
    nothing; the names are accepted."""
    return set(_STRATEGIES)


def get_sharing_strategy() -> str:
    """What ``set_sharing_strategy`` last said."""
    return _strategy


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepts either name; memory is shared as before.

    Raises:
        AssertionError: for any other name.
    """
    global _strategy
    if new_strategy not in get_all_sharing_strategies():
        raise AssertionError(
            f"invalid sharing strategy {new_strategy!r}, expected one of {get_all_sharing_strategies()}"
        )
    _strategy = new_strategy


_install()
