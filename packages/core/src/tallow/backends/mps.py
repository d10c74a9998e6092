"""Apple's GPUs: not in this build."""

from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can be on an Apple GPU."""
    return False


def is_built() -> bool:
    """Whether this build could use one."""
    return False
