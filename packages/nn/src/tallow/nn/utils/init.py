"""Making a module without spending time on its first values."""

from __future__ import annotations

import inspect
from typing import Any

from ..modules.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls: type[Any], *args: Any, **kwargs: Any) -> Any:
    """``module_cls(*args, **kwargs)`` with parameters and buffers that are not initialised.

    Raises:
        RuntimeError: if the class is no Module, or takes no `device`.

    >>> from tallow import nn
    >>> tuple(nn.utils.skip_init(nn.Linear, 5, 1).weight.shape)
    (1, 5)
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    device = kwargs.pop("device", "cpu")
    return module_cls(*args, device="meta", **kwargs).to_empty(device=device)
