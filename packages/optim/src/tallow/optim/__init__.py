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

from . import lr_scheduler, swa_utils  # noqa: E402
from ._swap import swap_in_optimizer_params_and_state  # noqa: E402
from .adadelta import Adadelta  # noqa: E402
from .adafactor import Adafactor  # noqa: E402
from .adagrad import Adagrad  # noqa: E402
from .adam import Adam, AdamW  # noqa: E402
from .adamax import Adamax  # noqa: E402
from .asgd import ASGD  # noqa: E402
from .lbfgs import LBFGS  # noqa: E402
from .muon import Muon  # noqa: E402
from .nadam import NAdam  # noqa: E402
from .optimizer import Optimizer  # noqa: E402
from .radam import RAdam  # noqa: E402
from .rmsprop import RMSprop  # noqa: E402
from .rprop import Rprop  # noqa: E402
from .sgd import SGD  # noqa: E402
from .sparse_adam import SparseAdam  # noqa: E402

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
    "swap_in_optimizer_params_and_state",
]
