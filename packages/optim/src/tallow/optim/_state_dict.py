"""Saving and loading an optimizer: parameters by position, so that a file does not depend on objects."""

from __future__ import annotations

import copy
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import tallow
from tallow import Tensor
from tallow.utils.hooks import RemovableHandle, add_hook

__all__ = ["StateDictMixin"]


class StateDictMixin:
    """The part of ``Optimizer`` that reads and writes its state."""

    _numbers: ClassVar[tuple[str, ...]] = ("step",)
    """State of one number, which keeps its dtype whatever the parameter's."""

    state: defaultdict[Any, Any]
    param_groups: list[dict[str, Any]]
    _state_dict_pre_hooks: OrderedDict[int, Callable]
    _state_dict_post_hooks: OrderedDict[int, Callable]
    _load_state_dict_pre_hooks: OrderedDict[int, Callable]
    _load_state_dict_post_hooks: OrderedDict[int, Callable]

    def register_state_dict_pre_hook(self, hook: Callable[..., None], prepend: bool = False) -> RemovableHandle:
        """Run ``hook(optimizer)`` before ``state_dict``."""
        return add_hook(self._state_dict_pre_hooks, hook, prepend=prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Run ``hook(optimizer, state_dict) -> None | state_dict`` on what ``state_dict`` made."""
        return add_hook(self._state_dict_post_hooks, hook, prepend=prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Run ``hook(optimizer, state_dict) -> None | state_dict`` before ``load_state_dict``."""
        return add_hook(self._load_state_dict_pre_hooks, hook, prepend=prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., None], prepend: bool = False) -> RemovableHandle:
        """Run ``hook(optimizer)`` after ``load_state_dict``."""
        return add_hook(self._load_state_dict_post_hooks, hook, prepend=prepend)

    def state_dict(self) -> dict[str, Any]:
        """``{"state": {position: {...}}, "param_groups": [{..., "params": [positions]}]}``; tensors are shared.

        Positions number the parameters through all groups.
        """
        for hook in self._state_dict_pre_hooks.values():
            hook(self)
        position: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for param in group["params"]:
                position.setdefault(id(param), len(position))
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [position[id(param)] for param in group["params"]]
            groups.append(packed)
        state = {position[id(k)] if isinstance(k, Tensor) else k: v for k, v in self.state.items()}
        result = {"state": state, "param_groups": groups}
        for hook in self._state_dict_post_hooks.values():
            replaced = hook(self, result)
            if replaced is not None:
                result = replaced
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state that :meth:`state_dict` gave, for groups of the same sizes.

        Floating point state is cast to its parameter's dtype and device, but for ``step``.

        Raises:
            ValueError: if the number of groups, or of parameters in a group, differs.
        """
        state_dict = dict(state_dict)
        for hook in self._load_state_dict_pre_hooks.values():
            replaced = hook(self, state_dict)
            if replaced is not None:
                state_dict = replaced
        saved_groups = [dict(group) for group in state_dict["param_groups"]]
        if len(saved_groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(s["params"]) != len(g["params"]) for s, g in zip(saved_groups, self.param_groups, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        param_at = {
            position: param
            for saved, group in zip(saved_groups, self.param_groups, strict=True)
            for position, param in zip(saved["params"], group["params"], strict=True)
        }
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in param_at:
                state[param_at[key]] = _cast_to(param_at[key], value, None, self._numbers)
            else:
                state[key] = value
        groups = [_merge(saved, group) for saved, group in zip(saved_groups, self.param_groups, strict=True)]
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in self._load_state_dict_post_hooks.values():
            hook(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise NotImplementedError


def _merge(saved: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    merged = {key: copy.deepcopy(value) for key, value in saved.items() if key != "params"}
    if "param_names" in group and "param_names" not in merged:
        merged["param_names"] = group["param_names"]
    merged["params"] = group["params"]
    return merged


def _cast_to(param: Tensor, value: Any, key: Any, numbers: tuple[str, ...]) -> Any:
    """A copy of saved state as `param` wants it."""
    if isinstance(value, Tensor):
        if key in numbers:  # kept in float32 on its own device, whatever the parameter is
            return value.clone()
        if value.shape == param.shape and value.is_floating_point():
            return tallow.empty_like(param, requires_grad=False).copy_(value)  # laid out in memory like the parameter
        if param.is_floating_point() and value.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device, copy=True)
        return value.to(device=param.device, copy=True)
    if isinstance(value, Mapping):
        return {k: _cast_to(param, v, k, numbers) for k, v in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return type(value)(_cast_to(param, v, None, numbers) for v in value)  # type: ignore[call-arg]
    return value
