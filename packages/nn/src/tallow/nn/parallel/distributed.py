"""``DistributedDataParallel`` where tallow-distributed is not installed: programs name the class before they ask."""

from __future__ import annotations

from typing import Any

from tallow.nn.modules.module import Module

__all__ = ["DistributedDataParallel"]


class DistributedDataParallel(Module):
    """A module that averages gradients over processes. It cannot be made without tallow-distributed.

    A program that runs in one process passes by it: ``isinstance(model, DistributedDataParallel)`` is False.

    Raises:
        RuntimeError: always, naming the package.
    """

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("DistributedDataParallel is not installed: pip install tallow-distributed")
