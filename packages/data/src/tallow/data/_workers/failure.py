"""An exception on the way from a worker to the loader."""

from __future__ import annotations

import pickle
import traceback
from typing import Any

Failure = tuple[bytes, str, str]
"""The pickled type of the exception, its name, and the traceback."""


def describe(error: BaseException) -> Failure:
    """`error` as something that can be sent."""
    kind = type(error)
    try:
        pickled = pickle.dumps(kind)
    except Exception:  # a class of a function's: its name has to do
        pickled = b""
    return pickled, kind.__name__, "".join(traceback.format_exception(kind, error, error.__traceback__))


class _Verbatim(str):
    """A text that KeyError, which shows the ``repr`` of what it is given, shows as it is."""

    def __repr__(self) -> str:
        return str(self)


def rebuild(failure: Failure, where: str) -> Exception:
    """An exception of the same type with the worker's traceback in its message; if that cannot be, a RuntimeError."""
    pickled, name, trace = failure
    message = f"Caught {name} {where}.\nOriginal {trace}"
    try:
        kind: Any = pickle.loads(pickled) if pickled else RuntimeError
        if not issubclass(kind, Exception) or issubclass(kind, StopIteration):  # that one would end the loop in silence
            return RuntimeError(message)
        return kind(_Verbatim(message) if issubclass(kind, KeyError) else message)
    except Exception:  # its constructor takes something else, or only the worker knows the type
        return RuntimeError(message)
