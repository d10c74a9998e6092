"""Learning-rate schedules: call ``scheduler.step()`` after ``optimizer.step()``, once an epoch or once a batch.

>>> import tallow
>>> from tallow.optim import SGD
>>> from tallow.optim.lr_scheduler import StepLR
>>> opt = SGD([tallow.zeros(1)], lr=1.0)
>>> schedule = StepLR(opt, step_size=2, gamma=0.5)
>>> rates = []
>>> for _ in range(4):
...     opt.step()
...     rates.append(schedule.get_last_lr()[0])
...     schedule.step()
>>> rates
[1.0, 1.0, 0.5, 0.5]
"""

from .base import LRScheduler
from .compose import ChainedScheduler, SequentialLR
from .cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from .cyclic import CyclicLR
from .decay import ConstantLR, ExponentialLR, LinearLR, MultiStepLR, PolynomialLR, StepLR
from .functions import LambdaLR, MultiplicativeLR
from .one_cycle import OneCycleLR
from .plateau import ReduceLROnPlateau

_LRScheduler = LRScheduler  # the name that older programs derive their schedules from

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
