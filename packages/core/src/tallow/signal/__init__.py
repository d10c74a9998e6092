"""Signal processing, as ``torch.signal``: :mod:`tallow.signal.windows`."""

from . import windows as windows

__all__ = ["windows"]
