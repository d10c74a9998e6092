"""What a call costs: tensors of one element, so that nothing but the way to the kernel and back is timed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import Context, workload

CALLS: dict[str, tuple[str, Callable[[Any, Any], Callable[[], Any]]]] = {
    "add": ("a + b", lambda a, b: lambda: a + b),
    "mul": ("a * b", lambda a, b: lambda: a * b),
    "mul_scalar": ("a * 2.0", lambda a, b: lambda: a * 2.0),
    "view": ("a.view(1, 1)", lambda a, b: lambda: a.view(1, 1)),
    "getitem": ("a[0]", lambda a, b: lambda: a[0]),
    "sum": ("a.sum()", lambda a, b: a.sum),
    "relu": ("a.relu()", lambda a, b: a.relu),
    "add_": ("a.add_(b)", lambda a, b: lambda: a.add_(b)),
    "item": ("a.item()", lambda a, b: a.item),
}


def _register(name: str, text: str, make: Callable[[Any, Any], Callable[[], Any]]) -> None:
    def prepare(context: Context) -> Callable[[], Any]:
        return make(context.lib.ones(1), context.lib.ones(1))

    prepare.__doc__ = f"{text} of one element"
    workload(f"op.{name}")(prepare)


for _name, (_text, _make) in CALLS.items():
    _register(_name, _text, _make)


@workload("op.add_backward")
def add_backward(context: Context) -> Callable[[], Any]:
    """(a + b).backward() of one element, forward included"""
    a, b = (context.lib.ones(1, requires_grad=True) for _ in range(2))

    def step() -> None:
        (a + b).backward()

    if context.library == "tallow":
        context.module("autograd")
    return step
