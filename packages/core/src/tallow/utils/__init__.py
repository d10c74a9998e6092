"""Utilities that packages add to: ``tallow.utils.data`` comes with tallow-data, ``tallow.utils.checkpoint`` with
tallow-autograd. They load on first use."""

import importlib as _importlib
import pkgutil as _pkgutil
from typing import Any as _Any

__path__ = _pkgutil.extend_path(__path__, __name__)

_LAZY = {
    "_pytree": None,
    "benchmark": None,
    "checkpoint": "tallow-autograd",
    "data": "tallow-data",
    "dlpack": None,
    "hooks": None,
    "tensorboard": None,
}


def __getattr__(name: str) -> _Any:
    if name in _LAZY:
        try:
            return _importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
            raise AttributeError(f"{__name__}.{name} is not installed: pip install {_LAZY[name]}") from None
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
