"""``torch.distributed`` where tallow-distributed is not installed: a program asks, and goes on by itself."""

from __future__ import annotations


def is_available() -> bool:
    """Whether processes can work together."""
    return False


def is_initialized() -> bool:
    """Whether this process is one of a group."""
    return False
