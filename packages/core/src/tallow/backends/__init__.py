"""What the machine and this build offer, as ``torch.backends``."""

from __future__ import annotations

from tallow.backends import cpu

__all__ = ["cpu"]
