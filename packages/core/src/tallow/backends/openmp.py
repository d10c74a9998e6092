"""OpenMP, which loops run on."""

from __future__ import annotations


def is_available() -> bool:
    """Whether loops run in parallel."""
    return True
