"""cuDNN: not in this build. Its switches can be set, as programs do before they know where they run."""

from __future__ import annotations

import sys

from tallow.backends._flags import flags_of

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Whether cuDNN can be used."""
    return False


def version() -> int | None:
    """cuDNN's version, None without it."""
    return None


def is_acceptable(tensor: object) -> bool:
    """Whether cuDNN would take a tensor."""
    return False


flags = flags_of(sys.modules[__name__])
