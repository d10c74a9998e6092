"""Grad mode: whether ops on this thread record a graph. Core owns the switch, autograd does the recording."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from tallow import _core

_GENERATOR = 0x20  # inspect.CO_GENERATOR; that module alone would be a third of the import time

F = TypeVar("F", bound=Callable[..., Any])
_set = _core._set_grad_enabled


class _Context:
    """A context manager that also decorates functions and generators."""

    def __call__(self, func: F) -> F:
        if isinstance(func, type):
            raise TypeError(f"{type(self).__name__} decorates functions, not classes: {func.__name__}")
        make = self._again
        code = getattr(func, "__code__", None)
        if code is not None and code.co_flags & _GENERATOR:

            @functools.wraps(func)
            def generate(*args: Any, **kwargs: Any) -> Any:
                gen = func(*args, **kwargs)
                send: Any = None
                while True:
                    try:
                        with make():
                            item = gen.send(send)
                    except StopIteration as stop:
                        return stop.value
                    send = yield item

            return generate  # type: ignore[return-value]

        @functools.wraps(func)
        def call(*args: Any, **kwargs: Any) -> Any:
            with make():
                return func(*args, **kwargs)

        return call  # type: ignore[return-value]

    def _again(self) -> Any:
        return type(self)()


class no_grad(_Context):
    """Inside, results never require grad.

    >>> import tallow
    >>> with tallow.no_grad():
    ...     tallow.is_grad_enabled()
    False
    """

    def __new__(cls, func: Any = None) -> Any:
        self = super().__new__(cls)
        return self if func is None else self(func)

    def __enter__(self) -> None:
        self._was = _set(False)

    def __exit__(self, *exc: object) -> None:
        _set(self._was)


class enable_grad(_Context):
    """Inside, gradients are recorded again, within a ``no_grad`` too."""

    def __new__(cls, func: Any = None) -> Any:
        self = super().__new__(cls)
        return self if func is None else self(func)

    def __enter__(self) -> None:
        self._was = _set(True)

    def __exit__(self, *exc: object) -> None:
        _set(self._was)


class set_grad_enabled(_Context):
    """Sets grad mode at once; as a context manager, puts back what was."""

    def __init__(self, mode: bool):
        self._mode = bool(mode)
        self._was = _set(self._mode)

    def __call__(self, func: F) -> F:
        _set(self._was)
        return super().__call__(func)

    def _again(self) -> set_grad_enabled:
        return set_grad_enabled(self._mode)

    def __enter__(self) -> None:
        _set(self._mode)

    def __exit__(self, *exc: object) -> None:
        _set(self._was)


class inference_mode(_Context):
    """``no_grad``, and tensors made inside can never enter a graph."""

    _mode: bool

    def __new__(cls, mode: Any = True) -> Any:
        self = super().__new__(cls)
        if callable(mode):
            self._mode = True
            return self(mode)
        self._mode = bool(mode)
        return self

    def __init__(self, mode: Any = True):
        pass

    def _again(self) -> inference_mode:
        return inference_mode(self._mode)

    def __enter__(self) -> None:
        self._was = _core._set_inference_mode(self._mode)
        self._grad = _set(not self._mode)

    def __exit__(self, *exc: object) -> None:
        _set(self._grad)
        _core._set_inference_mode(self._was)
