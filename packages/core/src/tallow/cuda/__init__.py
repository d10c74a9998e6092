"""``torch.cuda``'s surface. This build of tallow-core runs on the CPU: questions get their answer, requests an error.

    >>> import tallow
    >>> tallow.device("cuda" if tallow.cuda.is_available() else "cpu")
    device(type='cpu')
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

__all__ = [
    "Event",
    "Stream",
    "amp",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "empty_cache",
    "get_arch_list",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "init",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_current_stream_capturing",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "seed",
    "seed_all",
    "set_device",
    "set_rng_state",
    "set_rng_state_all",
    "stream",
    "synchronize",
]


def _none_here(what: str) -> NoReturn:
    raise AssertionError(f"{what}: Tallow not compiled with CUDA enabled: this build serves cpu and meta")


def is_available() -> bool:
    """Whether tensors can be on a GPU. Never raises."""
    return False


def is_initialized() -> bool:
    """Whether a GPU has been used yet."""
    return False


def device_count() -> int:
    """The number of GPUs."""
    return 0


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the GPU computes in bfloat16."""
    return False


def get_arch_list() -> list[str]:
    """The architectures of GPU that this build has kernels for."""
    return []


def is_current_stream_capturing() -> bool:
    """Whether ops are recorded into a CUDA graph."""
    return False


# ---------------------------------------------------------------- seeds: kept in order for programs that set them all
def manual_seed(seed: int) -> None:
    """Seeds the generator of the current GPU: there is none to seed."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Seeds the generators of all GPUs: there are none to seed."""
    int(seed)


def seed() -> None:
    """Seeds the generator of the current GPU by chance: there is none."""


def seed_all() -> None:
    """Seeds the generators of all GPUs by chance: there are none."""


def get_rng_state(device: Any = "cuda") -> Any:
    """The state of a GPU's generator: an ``AssertionError``, there is none."""
    _none_here("get_rng_state")


def get_rng_state_all() -> list[Any]:
    """The states of the generators of all GPUs."""
    return []


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Sets a GPU's generator: an ``AssertionError``, there is none."""
    _none_here("set_rng_state")


def set_rng_state_all(new_states: Iterable[Any]) -> None:
    """Sets the generators of all GPUs; more states than GPUs are an ``AssertionError``."""
    if list(new_states):
        _none_here("set_rng_state_all")


# ---------------------------------------------------------------- memory
def empty_cache() -> None:
    """Returns the GPU memory that is kept for later to the system: there is none."""


def ipc_collect() -> None:
    """Frees GPU memory that another process shared: there is none."""


def memory_allocated(device: Any = None) -> int:
    """Bytes of GPU memory in use by tensors."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes of GPU memory that were in use by tensors at once."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """Bytes of GPU memory taken from the system."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes of GPU memory that were taken from the system at once."""
    return 0


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Free and total bytes of a GPU: an ``AssertionError``, there is none."""
    _none_here("mem_get_info")


# ---------------------------------------------------------------- devices and streams
def init() -> None:
    """Starts CUDA: an ``AssertionError``."""
    _none_here("init")


def current_device() -> int:
    """The index of the current GPU: an ``AssertionError``, there is none."""
    _none_here("current_device")


def set_device(device: Any) -> None:
    """Chooses the current GPU: an ``AssertionError``, there is none."""
    _none_here("set_device")


def synchronize(device: Any = None) -> None:
    """Waits for a GPU: an ``AssertionError``, there is none. Ask ``is_available()`` first."""
    _none_here("synchronize")


def get_device_name(device: Any = None) -> str:
    """The name of a GPU: an ``AssertionError``, there is none."""
    _none_here("get_device_name")


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability of a GPU: an ``AssertionError``, there is none."""
    _none_here("get_device_capability")


def get_device_properties(device: Any = None) -> Any:
    """The properties of a GPU: an ``AssertionError``, there is none."""
    _none_here("get_device_properties")


def current_stream(device: Any = None) -> Any:
    """The stream that ops run on: an ``AssertionError``, there is none."""
    _none_here("current_stream")


def default_stream(device: Any = None) -> Any:
    """The stream that ops run on by default: an ``AssertionError``, there is none."""
    _none_here("default_stream")


class device:
    """``with device(index):`` makes a GPU the current one. A negative index and None change nothing."""

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device is None else device
        if not (isinstance(self.idx, int) and self.idx < 0):
            _none_here("device")

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc_info: object) -> None:
        return None


@contextlib.contextmanager
def stream(stream: Any) -> Iterator[None]:
    """Ops of the block run on a stream; None changes nothing."""
    if stream is not None:
        _none_here("stream")
    yield


class Stream:
    """A queue of work on a GPU: an ``AssertionError`` where there is none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _none_here("Stream")


class Event:
    """A point in a stream: an ``AssertionError`` where there is no GPU."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _none_here("Event")


def __getattr__(name: str) -> Any:
    if name == "amp":
        import importlib

        return importlib.import_module("tallow.cuda.amp")
    raise AttributeError(f"module 'tallow.cuda' has no attribute '{name}'")
