"""The processor."""

from __future__ import annotations

from tallow import _ops

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """The instruction set that the loops run with: ``"DEFAULT"``, ``"AVX2"`` or ``"AVX512"``."""
    return str(_ops.packet("runtime::cpu_capability")())
