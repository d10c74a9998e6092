"""Anomaly mode: errors and NaNs of backward name the forward call that they come from."""

from __future__ import annotations

import traceback
import warnings
from typing import Any

from tallow.autograd._engine import native

__all__ = ["detect_anomaly", "set_detect_anomaly", "is_anomaly_enabled", "is_anomaly_check_nan_enabled"]

_enabled = False
_check_nan = False


def _trace() -> str:
    frames = traceback.extract_stack()[:-1]
    return "".join(traceback.format_list(frames))


def _set(mode: bool, check_nan: bool) -> None:
    global _enabled, _check_nan
    native.set_anomaly(mode, check_nan, _trace)
    _enabled, _check_nan = mode, check_nan


def is_anomaly_enabled() -> bool:
    return _enabled


def is_anomaly_check_nan_enabled() -> bool:
    return _check_nan


def _explained(run: Any, *args: Any) -> Any:
    """Runs a backward and warns where the error's forward call was."""
    try:
        return run(*args)
    except Exception:
        text = native.anomaly_explanation()
        if text:
            warnings.warn(text, stacklevel=4)
        raise


class set_detect_anomaly:
    """Switches anomaly mode on or off, at once or for a ``with`` block.

    Every op then remembers where it was called, which is slow: for debugging only. ``check_nan`` makes backward fail
    where a gradient becomes NaN.
    """

    def __init__(self, mode: bool, check_nan: bool = True):
        self._before = (_enabled, _check_nan)
        _set(bool(mode), bool(check_nan))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _set(*self._before)


class detect_anomaly:
    """Anomaly mode for a ``with`` block.

    >>> import tallow
    >>> x = tallow.tensor(-1.0, requires_grad=True)
    >>> with tallow.autograd.detect_anomaly():
    ...     x.sqrt().backward()  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan: bool = True):
        self._check_nan = bool(check_nan)

    def __enter__(self) -> None:
        self._before = (_enabled, _check_nan)
        _set(True, self._check_nan)

    def __exit__(self, *exc: object) -> None:
        _set(*self._before)
