"""Checkpointing: what a part of a model saves for backward is dropped, and computed again when backward gets there."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tallow
from tallow import Tensor
from tallow.autograd.function import Function
from tallow.autograd.graph import saved_tensors_hooks

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "set_checkpoint_early_stop"]


class CheckpointError(RuntimeError):
    """The recomputation did not save what the first run saved."""


def _detached(inputs: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs)


class _Surroundings:
    """What a function depends on beside its arguments, to be put back for the recomputation: the state of the random
    generator, and autocast, whose block has usually ended when backward comes."""

    def __init__(self, preserve_random: bool):
        self._random = tallow.get_rng_state() if preserve_random else None
        self._autocast = {
            "dtype": tallow.get_autocast_dtype("cpu"),
            "enabled": tallow.is_autocast_enabled("cpu"),
            "cache_enabled": tallow.is_autocast_cache_enabled(),
        }

    @contextlib.contextmanager
    def restored(self) -> Any:
        with tallow.autocast("cpu", **self._autocast):
            if self._random is None:
                yield
                return
            now = tallow.get_rng_state()
            tallow.set_rng_state(self._random)
            try:
                yield
            finally:
                tallow.set_rng_state(now)


# ---------------------------------------------------------------- reentrant: a backward inside the backward
class _Reentrant(Function):
    @staticmethod
    def forward(ctx: Any, run: Callable[..., Any], preserve: bool, *args: Any) -> Any:
        ctx.run = run
        ctx.surroundings = _Surroundings(preserve)
        ctx.inputs = [None if isinstance(a, Tensor) else a for a in args]
        ctx.positions = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.save_for_backward(*[args[i] for i in ctx.positions])
        return run(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        inputs = list(ctx.inputs)
        for i, t in zip(ctx.positions, ctx.saved_tensors, strict=True):
            inputs[i] = t
        fresh = _detached(inputs)
        with tallow.enable_grad(), ctx.surroundings.restored():
            outputs = ctx.run(*fresh)
        outs = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
        pairs = [(o, g) for o, g in zip(outs, grads, strict=True) if isinstance(o, Tensor) and o.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        tallow.autograd.backward([o for o, _ in pairs], [g for _, g in pairs])
        return (None, None, *(x.grad if isinstance(x, Tensor) else None for x in fresh))


# ---------------------------------------------------------------- not reentrant: hooks on what is saved
class _Stop(Exception):
    """All that backward needs has been computed again."""


_early_stop = True


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Any:
    """Whether recomputation stops as soon as it has saved everything that is needed; on by default."""
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


class _Frame:
    """One call of a checkpointed function: numbers what it saves, and fills the numbers in when backward asks."""

    def __init__(self, recompute: Callable[[], Any], check: bool):
        self.recompute = recompute
        self.check = check
        self.described: list[tuple[Any, ...]] = []
        self.values: list[Tensor | None] = []
        self.early_stop = _early_stop

    def pack(self, tensor: Tensor) -> int:
        self.described.append((tuple(tensor.shape), tensor.dtype, tensor.device))
        return len(self.described) - 1

    def unpack(self, number: int) -> Tensor:
        if number >= len(self.values) or self.values[number] is None:
            self._fill()
        value = self.values[number]
        if value is None:
            raise CheckpointError(
                "tallow.utils.checkpoint: unpack is being triggered for a tensor that was already "
                "unpacked once. If you are calling "
                "ctx.saved_tensors in backward, make sure to do so only once."
            )
        self.values[number] = None  # backward takes each once; a second backward computes again
        return value

    def _fill(self) -> None:
        found: list[Tensor | None] = []

        def pack(tensor: Tensor) -> Tensor:
            found.append(tensor.detach())
            if self.early_stop and len(found) == len(self.described):
                raise _Stop
            return tensor

        with contextlib.suppress(_Stop), tallow.enable_grad(), saved_tensors_hooks(pack, lambda t: t):
            self.recompute()
        if len(found) != len(self.described):
            raise CheckpointError(
                "tallow.utils.checkpoint: A different number of tensors was saved during the "
                "original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(self.described)}\n"
                f"Number of tensors saved during recomputation: {len(found)}."
            )
        if self.check:
            for i, (t, wanted) in enumerate(zip(found, self.described, strict=True)):
                assert t is not None
                got = (tuple(t.shape), t.dtype, t.device)
                if got != wanted:
                    raise CheckpointError(
                        "tallow.utils.checkpoint: Recomputed values for the following tensors have "
                        "different metadata than during the "
                        f"forward pass.\ntensor at position {i}:\nsaved metadata: {wanted}\nrecomputed metadata: {got}"
                    )
        self.values = found


def _without_reentry(
    function: Callable[..., Any],
    preserve: bool,
    context_fn: Callable[[], tuple[Any, Any]] | None,
    check: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    forward_context, again_context = (
        context_fn() if context_fn is not None else (contextlib.nullcontext(), contextlib.nullcontext())
    )
    surroundings = _Surroundings(preserve)

    def recompute() -> None:
        with surroundings.restored(), again_context:
            function(*_detached(args), **kwargs)

    frame = _Frame(recompute, check)
    with saved_tensors_hooks(frame.pack, frame.unpack), forward_context:
        return function(*args, **kwargs)


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] | None = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Calls ``function(*args)`` without keeping what its backward needs: that is computed again during backward.

    Args:
        function: what to run; it must do the same again when it is called a second time.
        use_reentrant: True runs a backward of its own inside the backward (gradients flow only to arguments that are
            tensors); False, which is recommended, refills what was saved.
        preserve_rng_state: give the second run the same random numbers; on by default.
        context_fn: returns two context managers, for the first run and for the second.
        determinism_check: ``"none"`` leaves out the comparison of shapes and dtypes.
        early_stop: stop the second run as soon as everything that is needed is there.

    >>> import tallow
    >>> from tallow.utils.checkpoint import checkpoint
    >>> x = tallow.ones(2, requires_grad=True)
    >>> checkpoint(lambda t: (t * t).exp(), x, use_reentrant=False).backward(tallow.ones(2))
    >>> x.grad
    tensor([5.4366, 5.4366])
    """
    if use_reentrant is None:
        warnings.warn(
            "tallow.utils.checkpoint: the use_reentrant parameter should be passed explicitly; use_reentrant=False is "
            "recommended and is what you get now.",
            stacklevel=2,
        )
        use_reentrant = False
    preserve = kwargs.pop("preserve_rng_state", True)
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not None or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        if tallow.is_grad_enabled() and not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
        return _Reentrant.apply(function, preserve, *args)
    with contextlib.nullcontext() if early_stop else set_checkpoint_early_stop(False):
        return _without_reentry(function, preserve, context_fn, determinism_check == "default" or debug, args, kwargs)


def checkpoint_sequential(
    functions: Sequence[Callable[..., Any]] | Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Runs functions (or modules) one after the other, in ``segments`` parts, all but the last checkpointed."""
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    children = getattr(functions, "children", None)
    steps = list(children()) if callable(children) else list(functions)
    if segments < 1 or segments > max(len(steps), 1):
        raise ValueError(
            "checkpoint_sequential: segments must lie between 1 and the number of functions "
            f"{len(steps)}, got {segments}"
        )

    def part(start: int, end: int) -> Callable[[Any], Any]:
        return lambda x: functools.reduce(lambda value, f: f(value), steps[start:end], x)

    size = len(steps) // segments
    end = 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(part(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return part(end, len(steps))(input)
