"""Optimizers and learning-rate schedules.

The steps are native and fused: one op updates all parameters of a group. They live in ``lib/libtallow_optim.so``,
which registers them with the core when this package is imported.

>>> import tallow
>>> from tallow import optim
>>> w = tallow.zeros(1)
>>> w.grad = tallow.ones(1)
>>> optim.SGD([w], lr=0.5).step()
>>> w.tolist()
[-0.5]
"""

from pathlib import Path

from tallow import ops as _ops

_ops.load_library(str(Path(__file__).parent / "lib" / "libtallow_optim.so"))

from . import lr_scheduler  # noqa: E402
from .adam import Adam, AdamW  # noqa: E402
from .optimizer import Optimizer  # noqa: E402
from .sgd import SGD  # noqa: E402

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]
