"""Arguments that layers hand on to the functions that make their tensors."""

from __future__ import annotations

from typing import Any

__all__ = ["factory_kwargs"]

_KEYS = {"device", "dtype", "memory_format"}


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """`device`, `dtype` and `memory_format` of a layer's keyword arguments, also from a dict named `factory_kwargs`.

    Raises:
        TypeError: for any other argument, or one that is given twice.

    >>> from tallow import nn
    >>> nn.factory_kwargs({"device": "cpu", "factory_kwargs": {"dtype": None}})
    {'dtype': None, 'device': 'cpu'}
    """
    if kwargs is None:
        return {}
    unexpected = kwargs.keys() - _KEYS - {"factory_kwargs"}
    if unexpected:
        raise TypeError(f"unexpected kwargs {unexpected}")
    merged = dict(kwargs.get("factory_kwargs", {}))
    for key in sorted(_KEYS & kwargs.keys()):
        if key in merged:
            raise TypeError(f"{key} specified twice, in **kwargs and in factory_kwargs")
        merged[key] = kwargs[key]
    return merged
