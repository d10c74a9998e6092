"""Modules that carry torch's names and look everything up in Tallow's."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import tallow

from .torch_version import TorchVersion
from .version import __version__

#: Modules that have another name here.
_RENAMED = {
    "torch.__config__": "tallow.as_torch.config",
    "torch.__future__": "tallow.as_torch.future",
    "torch.functional": "tallow.as_torch.functional",
    "torch.torch_version": "tallow.as_torch.torch_version",
    "torch.version": "tallow.as_torch.version",
}
#: What stands for a package that is not installed, so that a program can ask whether it is there.
_STAND_INS = {
    "tallow._dynamo": "tallow.as_torch._dynamo",
    "tallow.compiler": "tallow.as_torch.compiler",
    "tallow.distributed": "tallow.as_torch.distributed",
    "tallow.jit": "tallow.as_torch.jit",
}
#: What to do about the features that programs ask for first.
_HINTS = {
    "torch.jit": "the program gives the same results without scripting and tracing",
    "torch.hub": "load a checkpoint with torch.load(path) instead",
}


def tallow_name(name: str) -> str:
    """torch.nn.functional -> tallow.nn.functional"""
    real = _RENAMED.get(name, "tallow" + name.removeprefix("torch"))
    if real in _STAND_INS and importlib.util.find_spec(real) is None:
        return _STAND_INS[real]
    return real


def missing(name: str) -> str:
    """The message for something of torch that is not here."""
    hint = next((f": {text}" for key, text in _HINTS.items() if name == key or name.startswith(key + ".")), "")
    package = vars(tallow)["_LAZY"].get(name.split(".")[1])  # private: not in the stub
    if not hint and package and importlib.util.find_spec(package.replace("tallow-", "tallow.").split("-")[0]) is None:
        hint = f": pip install {package}"
    return f"{name} is not in Tallow {tallow.__version__}{hint}"


class TorchModule(ModuleType):
    """A module of torch's name in front of one of Tallow's."""

    _stands_in_for_torch = True

    def __init__(self, name: str, target: ModuleType) -> None:
        super().__init__(name, target.__doc__)
        self.__dict__["_target"] = target
        if name == "torch":
            self.__dict__["__version__"] = TorchVersion(__version__)

    def __getattr__(self, name: str) -> Any:
        full = f"{self.__name__}.{name}"
        try:
            value = getattr(self._target, name)
        except AttributeError:
            if name.startswith("__") and name.endswith("__") and full not in _RENAMED:
                raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None
            value = _submodule(full)
            if value is None:
                raise AttributeError(missing(full)) from None
        if isinstance(value, ModuleType) and value.__name__.startswith("tallow."):
            return _submodule(full) or value
        if isinstance(value, (type, FunctionType, BuiltinFunctionType)):
            self.__dict__[name] = value  # classes and functions are looked up once
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """A flag or a patched function is set where it takes effect. The import system's own attributes stay here."""
        if isinstance(value, TorchModule) or (name.startswith("__") and name.endswith("__")):
            self.__dict__[name] = value
        else:
            self.__dict__.pop(name, None)
            setattr(self._target, name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *dir(self._target)})


def _submodule(name: str) -> ModuleType | None:
    """torch.utils.checkpoint is an attribute of torch.utils in torch, imported or not."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


class Finder:
    """Finds torch and what is below it; an entry of ``sys.meta_path``."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if name != "torch" and not name.startswith("torch."):
            return None
        real = tallow_name(name)
        if name != "torch" and not self._exists(real):
            raise ModuleNotFoundError(f"No module named {name!r}: {missing(name)}", name=name)
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def _exists(self, name: str) -> bool:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
                raise
            return False
        return True

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return TorchModule(spec.name, importlib.import_module(tallow_name(spec.name)))

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = module
