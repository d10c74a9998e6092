"""Forward pre-hooks that compute one of their module's tensors."""

from __future__ import annotations

from typing import Any

from ..modules.module import Module


def find_hook(module: Module, kind: type, name: str, attribute: str = "name") -> tuple[int, Any] | None:
    """(id, hook) of the hook of this kind that computes the tensor `name`."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and getattr(hook, attribute) == name:
            return key, hook
    return None


def remove_hook(module: Module, kind: type, name: str, attribute: str = "name") -> Any:
    """Take that hook out of the module and return it; None if there is none."""
    found = find_hook(module, kind, name, attribute)
    if found is None:
        return None
    del module._forward_pre_hooks[found[0]]
    return found[1]
