"""``torch.xpu``: Intel's GPUs, which this build does not serve."""

from __future__ import annotations

from tallow.mps import device_count, is_available, manual_seed

__all__ = ["device_count", "is_available", "manual_seed"]
