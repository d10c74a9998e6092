"""``autocast``: ops of a block choose a narrower dtype."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import tallow


def is_autocast_available(device_type: str) -> bool:
    """Whether ``autocast(device_type)`` has an effect."""
    tallow.device(device_type)
    return False


class autocast:
    """Inside the block, or the decorated function, matrix products and convolutions run in ``dtype``.

    Args:
        device_type: ``"cuda"`` or ``"cpu"``. For a device that is not there it does nothing, after a warning.
        dtype: float16 or bfloat16.
        enabled: with False it does nothing.
        cache_enabled: accepted as torch has it.

    Raises:
        RuntimeError: it is enabled for the CPU, whose ops do not cast by themselves: convert model and data with
            ``.to(tallow.bfloat16)`` instead.

    Example:
        >>> import tallow
        >>> with tallow.autocast("cpu", enabled=False):
        ...     tallow.ones(2, 2) @ tallow.ones(2)
        tensor([2., 2.])
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"autocast: expected device_type of type str, got {type(device_type).__name__}")
        self.device = tallow.device(device_type).type
        if enabled and self.device == "cpu":
            raise RuntimeError(
                "autocast: ops on the CPU do not cast by themselves; use enabled=False, or convert the model and its "
                "inputs with .to(tallow.bfloat16)"
            )
        if enabled and self.device != "cpu":
            warnings.warn(f"autocast: {device_type!r} is not available. Disabling autocast.", stacklevel=2)
        self.fast_dtype = dtype
        self._enabled = False

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return decorated
