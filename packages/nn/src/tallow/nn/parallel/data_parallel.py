"""``DataParallel``: one batch cut over the GPUs of one process. Without GPUs it is the module that it wraps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tallow
from tallow.nn.modules.module import Module

__all__ = ["DataParallel", "data_parallel"]


class DataParallel(Module):
    """Wraps a module; its parameters are named ``module.*``, which is why programs use it on the CPU too.

    Args:
        module: what is wrapped.
        device_ids: GPUs to use, all of them by default; without GPUs the module runs where it is.
        output_device, dim: accepted as torch has them.

    Raises:
        AssertionError: GPUs are asked for and there are none.

    Example:
        >>> import tallow
        >>> from tallow import nn
        >>> net = nn.DataParallel(nn.Linear(3, 2))
        >>> net(tallow.ones(4, 3)).shape, [name for name, _ in net.named_parameters()]
        (tallow.Size([4, 2]), ['module.weight', 'module.bias'])
    """

    def __init__(
        self, module: Module, device_ids: Sequence[Any] | None = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        _check(device_ids)
        self.module = module
        self.device_ids: list[Any] = []
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """The module's result for ``inputs`` (a tensor or a tuple), computed on several GPUs; without GPUs, just that."""
    _check(device_ids)
    arguments = inputs if isinstance(inputs, tuple) else () if inputs is None else (inputs,)
    return module(*arguments, **(module_kwargs or {}))


def _check(device_ids: Sequence[Any] | None) -> None:
    if device_ids and not tallow.cuda.is_available():
        raise AssertionError(f"DataParallel: device_ids={list(device_ids)} asks for GPUs, and this build has none")
