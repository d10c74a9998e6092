"""``torch._dynamo`` where nothing is compiled: switches that programs set before they compile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .compiler import allow_in_graph, disable, is_compiling, list_backends, reset

__all__ = ["allow_in_graph", "config", "disable", "is_compiling", "list_backends", "mark_dynamic", "reset"]

config = SimpleNamespace(suppress_errors=False, cache_size_limit=8, recompile_limit=8, verbose=False)


def mark_dynamic(t: Any, index: Any, **options: Any) -> None:
    """Says that the size of a dimension changes from call to call."""
