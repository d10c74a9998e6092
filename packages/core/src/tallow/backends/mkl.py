"""Intel's MKL: not used; matrix products are OpenBLAS's."""

from __future__ import annotations


def is_available() -> bool:
    """Whether MKL can be used."""
    return False
