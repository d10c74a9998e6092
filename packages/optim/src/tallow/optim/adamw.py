"""AdamW under the name of its own module, where programs look for it."""

from .adam import AdamW

__all__ = ["AdamW"]
