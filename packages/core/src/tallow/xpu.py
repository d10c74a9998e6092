"""``torch.xpu``: Intel's GPUs, which this build does not serve."""

from __future__ import annotations

__all__ = ["device_count", "is_available", "manual_seed"]


def is_available() -> bool:
    """Whether tensors can be there."""
    return False


def device_count() -> int:
    """How many there are."""
    return 0


def manual_seed(seed: int) -> None:
    """Seeds their generators: there are none to seed."""
    int(seed)
