"""``torch.__config__``: how the library was built."""

from __future__ import annotations

import tallow
from tallow import ops

__all__ = ["parallel_info", "show"]


def show() -> str:
    """The versions and the instruction set, as text."""
    return (
        f"Tallow {tallow.__version__} in the place of torch\n"
        f"  - ABI {tallow._core.abi_version:#x}\n"
        f"  - CPU capability usage: {ops.runtime.cpu_capability()}\n"
    )


def parallel_info() -> str:
    """The number of threads, as text."""
    return f"threads: {tallow.get_num_threads()}\n"
