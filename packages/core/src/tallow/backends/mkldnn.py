"""oneDNN, which tallow-nn carries for convolution."""

from __future__ import annotations

import importlib.util
import sys

from tallow.backends._flags import flags_of

enabled = True
deterministic = True
allow_tf32 = False


def is_available() -> bool:
    """Whether oneDNN is there: it comes with tallow-nn."""
    return importlib.util.find_spec("tallow.nn") is not None


flags = flags_of(sys.modules[__name__])
