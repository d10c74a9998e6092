"""Classes and functions that a program lets checkpoints of torch name: the one way to load more than plain containers.

A listed class is made and filled, and a listed function is called, with what the file says. So what is listed has to be
harmless whatever it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]

Entry = Callable[..., Any] | tuple[Callable[..., Any], str]

_entries: list[Entry] = []


def add_safe_globals(safe_globals: Sequence[Entry]) -> None:
    """Let files name these classes and functions.

    Args:
        safe_globals: each as itself, or with the full name that files have for it.

    Raises:
        TypeError: for something that cannot be called, or is no pair of that and a text.

    >>> import argparse
    >>> import tallow
    >>> tallow.serialization.add_safe_globals([argparse.Namespace])
    >>> tallow.serialization.get_safe_globals()
    [<class 'argparse.Namespace'>]
    >>> tallow.serialization.clear_safe_globals()
    """
    for entry in safe_globals:
        _name_of(entry)
    _entries.extend(entry for entry in safe_globals if entry not in _entries)


def get_safe_globals() -> list[Entry]:
    """What files may name, as it was given."""
    return list(_entries)


def clear_safe_globals() -> None:
    """Let files name nothing of the program any more."""
    _entries.clear()


@contextmanager
def safe_globals(safe_globals: Sequence[Entry]) -> Iterator[None]:
    """A block in which files may also name these.

    >>> import argparse
    >>> import tallow
    >>> with tallow.serialization.safe_globals([argparse.Namespace]):
    ...     len(tallow.serialization.get_safe_globals())
    1
    >>> tallow.serialization.get_safe_globals()
    []
    """
    before = list(_entries)
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        _entries[:] = before


def _name_of(entry: Any) -> tuple[Any, str]:
    value, name = entry if isinstance(entry, tuple) and len(entry) == 2 else (entry, None)
    if not callable(value) or not isinstance(name, (str, type(None))):
        raise TypeError(f"add_safe_globals: expected a class, a function, or a pair of one and its name, got {entry!r}")
    return value, f"{value.__module__}.{value.__qualname__}" if name is None else name


def allowed(name: str) -> Any:
    """What a file means by this full name, or None if the program has not listed it."""
    return next((value for value, full in map(_name_of, _entries) if full == name), None)


def is_instance_of_allowed(value: Any) -> bool:
    """Whether a file may set the state of this object."""
    return any(isinstance(kind, type) and isinstance(value, kind) for kind, _ in map(_name_of, _entries))
