"""Mixed precision, as ``torch.amp``: ``autocast`` chooses the dtype of each op, ``GradScaler`` scales gradients.

A program for a GPU says ``autocast("cuda")`` and ``GradScaler("cuda")`` whether or not there is one; without a GPU both
do nothing, after a warning, as in torch. On the CPU both work.
"""

from __future__ import annotations

from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
