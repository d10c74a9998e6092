"""Mixed precision, as ``torch.amp``: the scaling of gradients, and ``autocast`` for devices that are not there.

A program for a GPU says ``autocast("cuda")`` and ``GradScaler("cuda")`` whether or not there is one; without a GPU both
do nothing, after a warning, as in torch.
"""

from __future__ import annotations

from .autocast_mode import autocast, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "is_autocast_available"]
