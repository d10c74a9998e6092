"""What surrounds the arithmetic: import, memory, files."""

from __future__ import annotations

import importlib
import resource
import time
from collections.abc import Callable
from typing import Any

from . import Context, workload


@workload("import.time", measures_itself=True)
def import_time(context: Context) -> Callable[[], float]:
    """import of the library"""

    def measured() -> float:
        begin = time.perf_counter()
        importlib.import_module(context.library)
        return time.perf_counter() - begin

    return measured


@workload("import.memory", measures_itself=True, unit="MB")
def import_memory(context: Context) -> Callable[[], float]:
    """resident memory of a process that has imported the library, the interpreter included"""

    def measured() -> float:
        importlib.import_module(context.library)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    return measured


def _state(lib: Any) -> dict[str, Any]:
    return {f"layer.{i}.weight": lib.rand(256, 1024) for i in range(20)}


@workload("file.save")
def save(context: Context) -> Callable[[], Any]:
    """save of a state of 20 MB"""
    path, state = context.scratch / f"{context.library}.saved", _state(context.lib)
    return lambda: context.lib.save(state, path)


@workload("file.load")
def load(context: Context) -> Callable[[], Any]:
    """load of a state of 20 MB"""
    path = context.scratch / f"{context.library}.loaded"
    context.lib.save(_state(context.lib), path)
    return lambda: context.lib.load(path)
