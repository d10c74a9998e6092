"""What torch lets a program set for the whole process, as far as it means something here.

Results never depend on the number of threads, and no op has a faster variant that is not reproducible: asking for
deterministic algorithms is granted because it always holds.
"""

from __future__ import annotations

import warnings
from typing import Any

import tallow
from tallow import _core

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_default_device",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_warn_always_enabled",
    "set_default_device",
    "set_default_tensor_type",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_warn_always",
    "typename",
    "use_deterministic_algorithms",
]

_PRECISIONS = ("highest", "high", "medium")
_DEBUG_MODES = {"default": 0, "warn": 1, "error": 2}


class _State:
    deterministic = 0
    precision = "highest"
    interop_threads = 1
    warn_always = False


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Asks for reproducible results. They are so anyway: the setting is kept for programs that read it back.

    >>> import tallow
    >>> tallow.use_deterministic_algorithms(True)
    >>> tallow.are_deterministic_algorithms_enabled()
    True
    >>> tallow.use_deterministic_algorithms(False)
    """
    _State.deterministic = 0 if not mode else 1 if warn_only else 2


def are_deterministic_algorithms_enabled() -> bool:
    """Whether ``use_deterministic_algorithms(True)`` was the last word."""
    return _State.deterministic > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it came with ``warn_only=True``."""
    return _State.deterministic == 1


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """0 or "default", 1 or "warn", 2 or "error": another way to say ``use_deterministic_algorithms``."""
    mode = _DEBUG_MODES.get(debug_mode, -1) if isinstance(debug_mode, str) else debug_mode
    if mode not in (0, 1, 2):
        raise RuntimeError(
            f"set_deterministic_debug_mode: expected debug_mode to be 0, 1, 2 or {', '.join(map(repr, _DEBUG_MODES))}, "
            f"got {debug_mode!r}"
        )
    _State.deterministic = mode


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2, see ``set_deterministic_debug_mode``."""
    return _State.deterministic


def set_float32_matmul_precision(precision: str) -> None:
    """Permits less than float32's precision in matrix products. It is kept; products have float32's all the same.

    Args:
        precision: ``"highest"``, ``"high"`` or ``"medium"``; anything else is a ``RuntimeError``.
    """
    if precision not in _PRECISIONS:
        raise RuntimeError(f"set_float32_matmul_precision: expected one of {_PRECISIONS}, got {precision!r}")
    _State.precision = precision


def get_float32_matmul_precision() -> str:
    """What ``set_float32_matmul_precision`` last said, ``"highest"`` to begin with."""
    return _State.precision


def set_flush_denormal(mode: bool) -> bool:
    """Whether numbers too small for full precision become zero: they never do, so that only False is granted.

    >>> import tallow
    >>> tallow.set_flush_denormal(True)
    False
    """
    return not mode


def get_num_interop_threads() -> int:
    """Threads that run different ops at once: kept for programs that read it back, ops run one after the other."""
    return _State.interop_threads


def set_num_interop_threads(n: int) -> None:
    """Sets what ``get_num_interop_threads`` says; ``n`` must be positive (else ``RuntimeError``)."""
    if n <= 0:
        raise RuntimeError(f"set_num_interop_threads: expected a positive number of threads, got {n}")
    _State.interop_threads = n


def get_default_device() -> Any:
    """Where tensors are made when no device is named: the CPU."""
    return _core.device("cpu")


def set_default_device(device: Any) -> None:
    """Accepts the CPU, where tensors are made anyway. Any other device is a ``RuntimeError``."""
    if device is not None and _core.device(device).type != "cpu":
        raise RuntimeError(f"set_default_device: expected the CPU, got {str(device)!r}; name it per tensor")


def set_default_tensor_type(t: Any) -> None:
    """The older way to say ``set_default_dtype``: a type such as ``tallow.DoubleTensor``, or its name."""
    tallow.set_default_dtype(t.dtype if hasattr(t, "dtype") else _type_by_name(t).dtype)


def _type_by_name(name: Any) -> Any:
    short = str(name).rpartition(".")[2]
    if not short.endswith("Tensor") or not hasattr(tallow, short):
        raise TypeError(f"invalid type object: expected a tensor type such as tallow.FloatTensor, got {name!r}")
    return getattr(tallow, short)


def set_warn_always(b: bool, /) -> None:
    """Whether warnings given once are given every time: Python's filters of warnings decide, and follow this."""
    _State.warn_always = bool(b)
    if b:
        warnings.filterwarnings("always", module="tallow")


def is_warn_always_enabled() -> bool:
    """What ``set_warn_always`` last said."""
    return _State.warn_always


def typename(obj: Any, /) -> str:
    """The name of an object's type, with its module; of a tensor, the name that ``type()`` gives.

    >>> import tallow
    >>> tallow.typename(tallow.ones(1)), tallow.typename([])
    ('tallow.FloatTensor', 'list')
    """
    if isinstance(obj, tallow.Tensor):
        return obj.type()
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(kind, "__module__", None) or ""
    return kind.__qualname__ if module in ("", "builtins", "__builtin__") else f"{module}.{kind.__qualname__}"
