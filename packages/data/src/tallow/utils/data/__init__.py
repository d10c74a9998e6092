"""The name under which PyTorch programs know :mod:`tallow.data`."""

import sys as _sys

from tallow.data import *  # noqa: F403
from tallow.data import __all__, dataloader, dataset, distributed, sampler  # noqa: F401

for _module in (dataloader, dataset, distributed, sampler):
    _sys.modules[f"{__name__}.{_module.__name__.rpartition('.')[2]}"] = _module
