"""The random generators that programs use without naming them: Python's, Tallow's and, where it is loaded, NumPy's."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tallow

__all__ = ["get_states", "kept_states", "seed_worker", "set_states"]

_LOW = 0xFFFFFFFF


def seed_worker(base_seed: int, worker_id: int) -> int:
    """Seed the generators of this process for a worker; returns its seed.

    NumPy's takes its seed from both numbers through ``SeedSequence``, since its generator and Python's are the same
    algorithm and would draw the same numbers. Where NumPy is not loaded it is seeded when it is.
    """
    seed = base_seed + worker_id
    random.seed(seed)
    tallow.manual_seed(seed)
    if "numpy.random" in sys.modules:
        _seed_numpy(base_seed, worker_id)
    else:
        _SeedOnImport.install(base_seed, worker_id)
    return seed


def _seed_numpy(base_seed: int, worker_id: int) -> None:
    from numpy.random import SeedSequence, seed

    entropy = [worker_id, base_seed & _LOW, base_seed >> 32 & _LOW, 0]
    seed(SeedSequence(entropy).generate_state(4))


class _SeedOnImport:
    """A finder and loader of modules. Finds ``numpy.random`` as the other finders do, and seeds it once it is there."""

    def __init__(self, base_seed: int, worker_id: int) -> None:
        self.seeds = (base_seed, worker_id)
        self.loader: Any = None

    @classmethod
    def install(cls, base_seed: int, worker_id: int) -> None:
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, cls)]
        sys.meta_path.insert(0, cls(base_seed, worker_id))  # type: ignore[arg-type]

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != "numpy.random":
            return None
        import importlib.util

        sys.meta_path.remove(self)  # type: ignore[arg-type]
        spec = importlib.util.find_spec(fullname)
        if spec is not None:
            self.loader, spec.loader = spec.loader, self  # type: ignore[assignment]
        return spec

    def create_module(self, spec: Any) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__loader__ = module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        _seed_numpy(*self.seeds)


def get_states() -> dict[str, Any]:
    """The states of the generators, in plain containers."""
    states: dict[str, Any] = {"python": random.getstate(), "tallow": tallow.get_rng_state()}
    if "numpy.random" in sys.modules:
        name, keys, *rest = sys.modules["numpy.random"].get_state()
        states["numpy"] = (name, keys.tolist(), *rest)
    return states


def set_states(states: dict[str, Any]) -> None:
    """Put states back that :func:`get_states` returned."""
    version, keys, gauss = states["python"]
    random.setstate((version, tuple(keys), gauss))
    tallow.set_rng_state(states["tallow"])
    if "numpy" in states:
        import numpy.random

        numpy.random.set_state(tuple(states["numpy"]))


@contextmanager
def kept_states() -> Iterator[None]:
    """A block after which the generators are as they were."""
    states = get_states()
    try:
        yield
    finally:
        set_states(states)
