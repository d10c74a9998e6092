"""What a thread has set for autocast; the ``autocast`` block sets and restores it through these functions."""

from __future__ import annotations

from typing import Any

from tallow import ops

_state = ops.autocast


def _mode_of(name: str, device_type: object) -> str:
    if not isinstance(device_type, str):
        raise TypeError(f"{name}(): argument 'device_type' must be str, not {type(device_type).__name__}")
    return device_type


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether ops on this type of device choose their dtype.

    >>> import tallow
    >>> with tallow.autocast("cpu"):
    ...     tallow.is_autocast_enabled("cpu")
    True
    """
    enabled: bool = _state.is_enabled(_mode_of("is_autocast_enabled", device_type))
    return enabled


def set_autocast_enabled(device_type: str | bool, enabled: bool | None = None) -> None:
    """Sets it for the calling thread, for ``"cuda"`` where only one argument is given."""
    if enabled is None:
        device_type, enabled = "cuda", bool(device_type)
    _state.set_enabled(_mode_of("set_autocast_enabled", device_type), enabled)


def get_autocast_dtype(device_type: str) -> Any:
    """The narrower dtype: bfloat16 on the CPU and float16 on CUDA, if nothing else was set."""
    return _state.get_dtype(_mode_of("get_autocast_dtype", device_type))


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Sets the narrower dtype of the calling thread."""
    _state.set_dtype(_mode_of("set_autocast_dtype", device_type), dtype)


def is_autocast_cache_enabled() -> bool:
    """Whether casts of parameters are kept until the outermost block ends."""
    enabled: bool = _state.is_cache_enabled()
    return enabled


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Sets it for the calling thread."""
    _state.set_cache_enabled(enabled)


def clear_autocast_cache() -> None:
    """Forgets the casts that were kept."""
    _state.clear_cache()


def autocast_increment_nesting() -> int:
    """Begins a block; returns how deep it is."""
    depth: int = _state.enter()
    return depth


def autocast_decrement_nesting() -> int:
    """Ends a block; returns how many are around it. With the outermost end the casts that were kept."""
    depth: int = _state.leave()
    return depth


def is_autocast_cpu_enabled() -> bool:
    """``is_autocast_enabled("cpu")``"""
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """``set_autocast_enabled("cpu", enabled)``"""
    set_autocast_enabled("cpu", enabled)


def get_autocast_cpu_dtype() -> Any:
    """``get_autocast_dtype("cpu")``"""
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype: Any) -> None:
    """``set_autocast_dtype("cpu", dtype)``"""
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype() -> Any:
    """``get_autocast_dtype("cuda")``"""
    return get_autocast_dtype("cuda")


def set_autocast_gpu_dtype(dtype: Any) -> None:
    """``set_autocast_dtype("cuda", dtype)``"""
    set_autocast_dtype("cuda", dtype)
