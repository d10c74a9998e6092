"""``autocast``: ops of a block choose their dtype (P. Micikevicius et al., "Mixed Precision Training", 2018).

Which op chooses what is the rule ``autocast`` beside the op: ``"lower"``, ``"float32"`` or ``"promote"``.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tallow

from . import _state


def is_autocast_available(device_type: str) -> bool:
    """Whether ops on this type of device can choose their dtype.

    >>> import tallow
    >>> tallow.amp.is_autocast_available("cpu")
    True
    """
    return tallow.device(device_type).type in ("cpu", "cuda")


class autocast:
    """Inside the block, or the decorated function, products and convolutions run in ``dtype``, losses in float32.

    Parameters stay as they are; their casts are kept until the outermost block ends. ``backward()`` belongs after the
    block: gradients have the dtypes that forward chose.

    Args:
        device_type: ``"cpu"`` or ``"cuda"``. Without a GPU the latter does nothing, after a warning.
        dtype: float16 or bfloat16; None takes ``get_autocast_dtype(device_type)``, bfloat16 on the CPU.
        enabled: with False, ops in the block take what comes, also inside another block.
        cache_enabled: whether casts of parameters are kept.

    Raises:
        RuntimeError: ``device_type`` is another.

    Example:
        >>> import tallow
        >>> with tallow.autocast("cpu"):
        ...     (tallow.ones(2, 2) @ tallow.ones(2, 2)).dtype
        tallow.bfloat16
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = device_type
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self.fast_dtype = _state.get_autocast_dtype(device_type) if dtype is None else dtype
        self._cache_enabled = _state.is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        if enabled and device_type == "cuda" and not tallow.cuda.is_available():
            warnings.warn(f"autocast: {device_type!r} is not available. Disabling autocast.", stacklevel=2)
            enabled = False
        if enabled and self.fast_dtype not in (tallow.bfloat16, tallow.float16):
            warnings.warn(
                f"In {device_type.upper()} autocast, but the target dtype is not supported. Disabling autocast.\n"
                f"{device_type.upper()} Autocast only supports dtypes of {tallow.bfloat16}, {tallow.float16}, "
                f"not {self.fast_dtype}.",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled
        self._before: list[tuple[bool, Any, bool]] = []  # one object may be entered again inside itself

    def __enter__(self) -> autocast:
        device = self.device
        self._before.append(
            (_state.is_autocast_enabled(device), _state.get_autocast_dtype(device), _state.is_autocast_cache_enabled())
        )
        _state.set_autocast_enabled(device, self._enabled)
        _state.set_autocast_dtype(device, self.fast_dtype)
        _state.autocast_increment_nesting()
        _state.set_autocast_cache_enabled(self._cache_enabled)
        return self

    def __exit__(self, *exc_info: object) -> None:
        _state.autocast_decrement_nesting()
        enabled, dtype, cache = self._before.pop()
        _state.set_autocast_enabled(self.device, enabled)
        _state.set_autocast_dtype(self.device, dtype)
        _state.set_autocast_cache_enabled(cache)

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(func):
            raise TypeError(f"autocast()(func) requires a callable, but got {type(func).__name__}")

        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return decorated


def _cast(value: Any, device_type: str, dtype: Any) -> Any:
    """The tensors of nested containers in dtype; float64, integers and tensors of other devices as they are."""
    if isinstance(value, tallow.Tensor):
        eligible = value.is_floating_point() and value.device.type == device_type and value.dtype != tallow.float64
        return value.to(dtype) if eligible else value
    numpy = sys.modules.get("numpy")
    if isinstance(value, (str, bytes)) or (numpy is not None and isinstance(value, numpy.ndarray)):
        return value
    if isinstance(value, Mapping):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, Iterable):
        values = (_cast(v, device_type, dtype) for v in value)
        return type(value)(values) if isinstance(value, (list, tuple)) else values  # type: ignore[call-arg]
    return value


def custom_fwd(fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """Decorates the ``forward`` of an ``autograd.Function`` that may run under autocast.

    Args:
        fwd: the function; without it a decorator is returned.
        device_type: ``"cpu"`` or ``"cuda"``.
        cast_inputs: a dtype: under autocast, arguments are cast to it and ``forward`` runs with autocast off.

    Raises:
        ValueError: ``device_type`` is not a string.
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        enabled = _state.is_autocast_enabled(device_type)
        ctx._dtype = _state.get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = enabled and cast_inputs is None
        if cast_inputs is None or not enabled:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(ctx, *_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs))

    return forward


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Decorates the ``backward`` that belongs to a ``forward`` with ``custom_fwd``: it runs as forward ran.

    Raises:
        ValueError: ``device_type`` is not a string.
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(ctx, *args, **kwargs)

    return backward
