"""The workloads, by name. A file holds a theme; a workload is a function that prepares and returns what is timed."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any


@dataclasses.dataclass
class Context:
    """What a workload gets: the library under its own name `lib` (both have the same one for everything used)."""

    library: str
    scratch: Path
    threads: int
    lib: Any = None

    def module(self, name: str) -> Any:
        """`nn` is tallow.nn or torch.nn."""
        return importlib.import_module(f"{self.library}.{name}")


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    summary: str
    prepare: Callable[[Context], Callable[[], Any]]
    unit: str = "s"
    measures_itself: bool = False  # returns its figure, and wants no library loaded


WORKLOADS: dict[str, Workload] = {}


def workload(name: str, **options: Any) -> Callable[[Callable[[Context], Any]], Callable[[Context], Any]]:
    """The first line of the docstring is the summary."""

    def register(prepare: Callable[[Context], Any]) -> Callable[[Context], Any]:
        WORKLOADS[name] = Workload(name, (prepare.__doc__ or "").split("\n")[0], prepare, **options)
        return prepare

    return register


for theme in ("overhead", "kernels", "training", "programs", "system", "custom"):
    importlib.import_module(f"{__name__}.{theme}")
