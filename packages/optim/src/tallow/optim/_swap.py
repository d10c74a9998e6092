"""Stepping other tensors with an optimizer's rule."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tallow import Tensor

from .optimizer import Optimizer

__all__ = ["swap_in_optimizer_params_and_state"]

_NAME = "swap_in_optimizer_params_and_state"


@contextlib.contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, Tensor], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """Within the block, `optimizer` has other parameters, options and state; afterwards its own again.

    Args:
        optimizer: one whose state exists: it has been stepped or loaded.
        swapin_parameters: tensors by name, in the order of the optimizer's parameters.
        swapin_optim_state: what :meth:`Optimizer.state_dict` gives. Its tensors are stepped in place; entries that are
            replaced or added in the block are dropped after it.

    Raises:
        RuntimeError: if the state does not fit the optimizer, or that has no state.

    >>> import tallow
    >>> from tallow.optim import SGD
    >>> w, other = tallow.ones(1), tallow.zeros(1)
    >>> opt = SGD([w], lr=1.0, momentum=0.9)
    >>> w.grad = other.grad = tallow.ones(1)
    >>> opt.step()
    >>> with swap_in_optimizer_params_and_state(opt, {"w": other}, opt.state_dict()):
    ...     opt.step()
    >>> w.item(), round(other.item(), 4)
    (0.0, -1.9)
    """
    state, groups = _checked(optimizer, swapin_optim_state)
    tensors = list(swapin_parameters.values())
    if len(tensors) < sum(len(g["params"]) for g in groups):
        raise RuntimeError(f"{_NAME} requires the explicit parameter state to match optimizer.param_groups ordering.")
    own_state, own_groups = optimizer.state, [dict(group) for group in optimizer.param_groups]
    swapped: defaultdict[Any, Any] = defaultdict(dict)
    try:
        following = iter(tensors)
        for group, other in zip(optimizer.param_groups, groups, strict=True):
            group.update(other)
            group["params"] = [next(following) for _ in other["params"]]
            for param, position in zip(group["params"], other["params"], strict=True):
                swapped[param] = dict(state.get(position, {}))
        optimizer.state = swapped
        yield
    finally:
        for group, own in zip(optimizer.param_groups, own_groups, strict=True):
            group.clear()
            group.update(own)
        optimizer.state = own_state


def _checked(optimizer: Optimizer, given: Any) -> tuple[dict[Any, Any], list[dict[str, Any]]]:
    """The state and the groups of a state dict that fits the optimizer."""
    if not optimizer.state:
        raise RuntimeError(f"{_NAME} requires initialized optimizer state.")
    if not isinstance(given, dict):
        raise RuntimeError(f"{_NAME} requires a DCP-style optimizer state_dict.")
    state, groups = given.get("state"), given.get("param_groups")
    if not isinstance(state, dict):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be a dict mapping packed parameter ids to per-param "
            f"state dicts, got {type(state).__name__}."
        )
    if any(isinstance(key, Tensor) for key in state):
        raise RuntimeError(f"{_NAME} requires optimizer.state_dict()-style state keyed by packed parameter ids.")
    if any(isinstance(key, int) and not isinstance(value, dict) for key, value in state.items()):
        raise RuntimeError(f"{_NAME} requires per-parameter optimizer state entries to be dictionaries.")
    if not isinstance(groups, list):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['param_groups'] to be a list of param-group dicts, "
            f"got {type(groups).__name__}."
        )
    if len(optimizer.param_groups) != len(groups):
        raise RuntimeError("swapin_optim_state has a different number of parameter groups than the live optimizer.")
    for i, (own, group) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        _check_group(i, own, group)
    known = {position for group in groups for position in group["params"]}
    extra = [key for key in state if key not in known]
    if extra:
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be keyed only by packed parameter ids from "
            f"param_groups[*]['params']; got extra keys {extra!r}."
        )
    return state, groups


def _check_group(index: int, own: dict[str, Any], group: Any) -> None:
    if not isinstance(group, dict):
        raise RuntimeError(f"{_NAME} requires each optimizer param group to be a dictionary.")
    positions = group.get("params")
    if not isinstance(positions, list) or not all(isinstance(p, int) for p in positions):
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style param_groups[*]['params'] entries keyed by packed "
            "parameter ids."
        )
    if len(own["params"]) != len(positions):
        raise RuntimeError(
            f"swapin_optim_state param group {index} has a different number of params than the live optimizer param "
            "group."
        )
    if own.keys() != group.keys():
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style param group keys to exactly match the live optimizer group "
            f"keys for group {index}. Keys only in swap-in: {[k for k in group if k not in own]}. "
            f"Keys only in live: {[k for k in own if k not in group]}."
        )
