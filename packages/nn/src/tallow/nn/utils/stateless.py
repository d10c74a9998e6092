"""Calling a module with other parameters and buffers than its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tallow import Tensor

from ..modules.module import Module

__all__ = ["functional_call"]

Tensors = dict[str, Tensor]


def functional_call(
    module: Module,
    parameters_and_buffers: Tensors | Sequence[Tensors],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call `module` with some of its parameters and buffers replaced for this call.

    Args:
        parameters_and_buffers: the replacements by dotted name, or several such dicts; what the call changes in place
            of the buffers is found there afterwards.
        args: the positional arguments, a tuple; anything else is the only argument.
        kwargs: the keyword arguments.
        tie_weights: whether a replacement also stands for the other names of the same tensor. Default: True.
        strict: whether every parameter and buffer must be given, and nothing else. Default: False.

    Raises:
        RuntimeError: with `strict`, naming missing and unexpected keys.
        ValueError: if a key is in several dicts, or different tensors are given for tied names.

    >>> import tallow
    >>> from tallow import nn
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> nn.utils.stateless.functional_call(layer, {"weight": tallow.ones(1, 2)}, tallow.ones(3, 2)).flatten().tolist()
    [2.0, 2.0, 2.0]
    """
    if isinstance(parameters_and_buffers, dict):
        given = parameters_and_buffers
    else:
        given = _joined(parameters_and_buffers)
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _replaced(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def _joined(dicts: Any) -> Tensors:
    if not isinstance(dicts, Sequence):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
        )
    if not all(isinstance(d, dict) for d in dicts):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    keys = [key for d in dicts for key in d]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        raise ValueError(
            f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous"
        )
    return {key: value for d in dicts for key, value in d.items()}


def _slots(module: Module) -> dict[str, tuple[Any, str]]:
    """Where each parameter and buffer lies: its module's table and its name there, by every dotted name it has."""
    slots = {}
    for prefix, owner in module.named_modules(remove_duplicate=False):
        for table in (owner._parameters, owner._buffers):
            for name, value in table.items():
                if value is not None:
                    slots[f"{prefix}.{name}" if prefix else name] = (table, name)
    return slots


@contextmanager
def _replaced(module: Module, given: Tensors, tie_weights: bool, strict: bool) -> Iterator[None]:
    slots = _slots(module)
    if strict:
        _check_keys(module, given, slots)
    values = _with_tied_names(slots, given) if tie_weights else given
    before: list[tuple[Any, str, Any]] = []
    try:
        for key, value in values.items():
            if key in slots:
                table, name = slots[key]
                before.append((table, name, table[name]))
                table[name] = value
            else:
                _check_attribute(module, key)
        yield
    finally:
        for key in given:
            if key in slots:
                table, name = slots[key]
                given[key] = table[name]  # what the call put there, where it did
        for table, name, value in reversed(before):
            table[name] = value


def _check_attribute(module: Module, key: str) -> None:
    """A key that names no tensor is left alone, as long as the module it leads to exists."""
    module.get_submodule(key.rpartition(".")[0])


def _check_keys(module: Module, given: Tensors, slots: dict[str, Any]) -> None:
    unexpected = [key for key in given if key not in slots]
    missing = [key for key in slots if key not in given]
    problems = [
        f"{what} key(s): {', '.join(map(repr, keys))}."
        for what, keys in (("Unexpected", unexpected), ("Missing", missing))
        if keys
    ]
    if problems:
        raise RuntimeError(
            "Error(s) in reparametrizing for {}:\n\t{}".format(module._get_name(), "\n\t".join(problems))
        )


def _with_tied_names(slots: dict[str, tuple[Any, str]], given: Tensors) -> Tensors:
    """The replacements under all names of the tensors they replace."""
    names_of: dict[int, list[str]] = {}
    for key, (table, name) in slots.items():
        names_of.setdefault(id(table[name]), []).append(key)
    values = dict(given)
    for names in names_of.values():
        known = [key for key in names if key in given]
        if len(names) < 2 or not known:
            continue
        if len({id(given[key]) for key in known}) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(names)}, which are tied. "
                "Consider using tie_weights=False"
            )
        values.update((key, given[known[0]]) for key in names)
    return values
