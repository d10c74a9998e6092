"""Where programs look for the table of collate functions."""

from . import collate

__all__ = ["collate"]
