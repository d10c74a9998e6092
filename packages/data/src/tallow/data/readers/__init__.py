"""Readers of file formats."""

from . import idx

__all__ = ["idx"]
