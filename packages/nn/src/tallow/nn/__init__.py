"""Neural networks: modules, their functional forms, initialisation and utilities.

The kernels live in ``lib/libtallow_nn.so``, which registers its ops (``nn::linear``, ``nn::conv2d``, ...) with
the core when this package is imported; everything else here is Python over those ops.

>>> import tallow
>>> from tallow import nn
>>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
>>> tuple(model(tallow.ones(3, 4)).shape)
(3, 2)
"""

from pathlib import Path

from tallow import ops as _ops

_ops.load_library(str(Path(__file__).parent / "lib" / "libtallow_nn.so"))

from . import attention, functional, grad, init, modules, parallel, utils  # noqa: E402
from ._factory import factory_kwargs  # noqa: E402
from .lazy_parameter import UninitializedBuffer, UninitializedParameter  # noqa: E402
from .modules import *  # noqa: E402, F403
from .modules import __all__ as _modules_all  # noqa: E402
from .parallel import DataParallel  # noqa: E402
from .parameter import Buffer, Parameter  # noqa: E402

__all__ = [
    *_modules_all,
    "Buffer",
    "DataParallel",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "attention",
    "factory_kwargs",
    "functional",
    "grad",
    "init",
    "modules",
    "parallel",
    "utils",
]
