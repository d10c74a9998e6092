"""Hooks that run at the steps of every optimizer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tallow.utils.hooks import RemovableHandle, add_hook

GLOBAL_PRE_STEP: OrderedDict[int, Callable] = OrderedDict()
GLOBAL_POST_STEP: OrderedDict[int, Callable] = OrderedDict()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(optimizer, args, kwargs) -> None | (args, kwargs)`` before the step of every optimizer."""
    return add_hook(GLOBAL_PRE_STEP, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(optimizer, args, kwargs)`` after the step of every optimizer."""
    return add_hook(GLOBAL_POST_STEP, hook)
