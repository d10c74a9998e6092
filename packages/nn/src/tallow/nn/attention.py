"""Which implementations of attention may run.

There is one here, which needs no choice; what programs say about others is accepted and checked.

>>> from tallow.nn.attention import SDPBackend, sdpa_kernel
>>> with sdpa_kernel(SDPBackend.MATH):
...     pass
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(IntEnum):
    """Names of implementations of :func:`tallow.nn.functional.scaled_dot_product_attention`."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends: list[SDPBackend] | SDPBackend, set_priority: bool = False) -> Iterator[None]:
    """A scope in which only `backends` are wanted; the result does not depend on it.

    Raises:
        AssertionError: if `backends` is neither an :class:`SDPBackend` nor a list of them.
    """
    if isinstance(backends, SDPBackend):
        backends = [backends]
    if not isinstance(backends, list | tuple | set) or not all(isinstance(b, SDPBackend) for b in backends):
        raise AssertionError("Backend must be an instance of SDPBackend or a list of SDPBackend instances")
    yield
