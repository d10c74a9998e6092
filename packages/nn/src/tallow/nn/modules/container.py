"""Modules that hold others: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

import operator
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

from .module import Module, _addindent

__all__ = ["Container", "ModuleDict", "ModuleList", "Sequential"]

SequenceSelf = TypeVar("SequenceSelf", bound="_ModuleSequence")


def named_pairs(owner: str, values: Any) -> Iterator[tuple[str, Any]]:
    """The (name, value) pairs of a mapping or of an iterable of pairs, which `owner` is updated with."""
    pairs = values.items() if isinstance(values, Mapping) or hasattr(values, "items") else values
    for i, pair in enumerate(pairs):
        if not isinstance(pair, Iterable) or isinstance(pair, str):
            raise TypeError(f"{owner} update sequence element #{i} should be Iterable; is {type(pair).__name__}")
        pair = tuple(pair)
        if len(pair) != 2:
            raise ValueError(f"{owner} update sequence element #{i} has length {len(pair)}; 2 is required")
        yield pair


class _ModuleSequence(Module):
    """Children named "0", "1", ... : what Sequential and ModuleList share."""

    _modules: dict[str, Module]  # type: ignore[assignment]

    def _name_at(self, index: int) -> str:
        """The name of the child at `index`, which may be negative; IndexError outside."""
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[index]

    def _set_all(self, modules: Iterable[Module]) -> None:
        """Number the children anew."""
        self._modules = {str(i): m for i, m in enumerate(modules)}

    def _from(self: SequenceSelf, modules: Iterable[Module]) -> SequenceSelf:
        return type(self)(*modules)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self: SequenceSelf, index: slice) -> SequenceSelf: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._from(list(self._modules.values())[index])
        return self._modules[self._name_at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self._modules.values())
        if not isinstance(index, slice):
            self._name_at(index)
        del modules[index]
        self._set_all(modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def append(self: SequenceSelf, module: Module) -> SequenceSelf:
        """Add `module` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self: SequenceSelf, index: int, module: Module) -> SequenceSelf:
        """Put `module` before position `index`."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._set_all(modules)
        return self

    def extend(self: SequenceSelf, modules: Iterable[Module]) -> SequenceSelf:
        """Add every module of an iterable at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got {type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, index: int = -1) -> Module:
        """Take out the module at `index` and return it."""
        module = self[index]
        del self[index]
        return module

    def __add__(self: SequenceSelf, other: Iterable[Module]) -> SequenceSelf:
        return self._from([*self, *other])

    def __iadd__(self: SequenceSelf, other: Iterable[Module]) -> SequenceSelf:
        return self.extend(other)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]


class Sequential(_ModuleSequence):
    """Modules that run one after the other, each on what the one before returned.

    Takes modules, or one ``OrderedDict`` of names to modules.

    >>> import tallow
    >>> from tallow import nn
    >>> net = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    >>> net(tallow.zeros(5, 3)).size(1)
    2
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    def __getitem__(self, index: int | slice) -> Any:  # type: ignore[override]
        if isinstance(index, slice):  # the children keep their names
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)

    def __add__(self, other: Iterable[Module]) -> Sequential:  # type: ignore[override]
        if not isinstance(other, Sequential):
            raise ValueError(
                "add operator supports only objects of Sequential class, "
                f"but {type(other)} is given."
            )
        return type(self)(*self, *other)

    def __iadd__(self, other: Iterable[Module]) -> Sequential:  # type: ignore[override]
        if not isinstance(other, Sequential):
            raise ValueError(
                "add operator supports only objects of Sequential class, "
                f"but {type(other)} is given."
            )
        return self.extend(other)

    def __mul__(self, other: int) -> Sequential:
        return type(self)(*self._repeated(other))

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Sequential:
        self._set_all(self._repeated(other))
        return self

    def _repeated(self, times: int) -> list[Module]:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return [module for _ in range(times) for module in self]

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)
        return input


class ModuleList(_ModuleSequence):
    """A list of modules that are registered; it has no ``forward``.

    >>> from tallow import nn
    >>> layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    >>> len(layers), sum(1 for _ in layers.parameters())
    (3, 6)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _from(self, modules: Iterable[Module]) -> ModuleList:  # type: ignore[override]
        return type(self)(modules)

    def __repr__(self) -> str:
        """Runs of equal children are folded to one line."""
        rows: list[tuple[int, int, str]] = []
        for i, text in enumerate(map(repr, self)):
            if rows and rows[-1][2] == text:
                rows[-1] = (rows[-1][0], i, text)
            else:
                rows.append((i, i, text))
        if not rows:
            return f"{self._get_name()}()"
        body = ""
        for first, last, text in rows:
            name = f"({first})" if first == last else f"({first}-{last})"
            times = "" if first == last else f"{last - first + 1} x "
            body += f"\n  {name}: {times}{_addindent(text, 2)}"
        return f"{self._get_name()}({body}\n)"


class ModuleDict(Module):
    """A dict of modules that are registered; it keeps the order of insertion and has no ``forward``.

    >>> from tallow import nn
    >>> heads = nn.ModuleDict({"digit": nn.Linear(4, 10), "parity": nn.Linear(4, 2)})
    >>> list(heads)
    ['digit', 'parity']
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]  # type: ignore[return-value]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take every module out."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take out the module of `key` and return it."""
        module = self[key]
        del self[key]
        return module

    def keys(self) -> Any:
        """The names."""
        return self._modules.keys()

    def items(self) -> Any:
        """(name, module) pairs."""
        return self._modules.items()

    def values(self) -> Any:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add the modules of a mapping, or of an iterable of (name, module) pairs; equal names are replaced."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                "ModuleDict.update should be called with an iterable of key/value pairs, "
                f"but got {type(modules).__name__}"
            )
        for name, module in named_pairs("ModuleDict", modules):
            self[name] = module


class Container(Module):
    """The base of modules before every module could hold others; use :class:`Module`."""

    def __init__(self, **kwargs: Any) -> None:
        warnings.warn(
            "`nn.Container` is deprecated. All of its functionality is now implemented in `nn.Module`. "
            "Subclass that instead.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__()
        for name, module in kwargs.items():
            self.add_module(name, module)
