"""Programs written for torch run on Tallow: ``import torch`` gives Tallow's modules under torch's names.

    python -m tallow.as_torch train.py --epochs 3        a script, unmodified
    python -m tallow.as_torch -m package.module ...      a module

and inside a process, before anything imports torch:

    >>> import tallow
    >>> tallow.as_torch.install()
    >>> import torch
    >>> torch.Tensor is tallow.Tensor
    True
    >>> torch.quantized_lstm
    Traceback (most recent call last):
        ...
    AttributeError: torch.quantized_lstm is not in Tallow ...
    >>> tallow.as_torch.uninstall()

Nothing is translated, but dtypes and sizes are printed as torch's: tensors, modules and functions are Tallow's own.
What Tallow does not have is an ``AttributeError`` or, for a whole module, a ``ModuleNotFoundError``, both of which
name it.
"""

from __future__ import annotations

import os
import sys

from tallow import _core

from ._modules import Finder, TorchModule

__all__ = ["install", "installed", "uninstall"]

#: A folder with a module called torch that calls install(): what a spawned process finds, since it gets our sys.path.
_SPAWNED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "spawned")


def install() -> None:
    """Let ``import torch`` and the modules below it resolve to Tallow, here and in processes that this one spawns.

    Calling it again changes nothing.

    Raises:
        RuntimeError: torch itself is already imported; the two cannot go by one name.
    """
    if installed():
        return
    if "torch" in sys.modules and not hasattr(sys.modules["torch"], "_stands_in_for_torch"):
        raise RuntimeError(
            f"tallow.as_torch.install: torch {getattr(sys.modules['torch'], '__version__', '')} is already imported "
            f"from {getattr(sys.modules['torch'], '__file__', None)}; install() has to come before"
        )
    sys.meta_path.insert(0, Finder())
    sys.path.insert(0, _SPAWNED)
    _core._set_display_name("torch")


def uninstall() -> None:
    """Undo ``install``: the next ``import torch`` looks for torch itself. Modules that are in use stay as they are."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Finder)]
    sys.path[:] = [path for path in sys.path if path != _SPAWNED]
    _core._set_display_name("tallow")
    for name in [name for name, module in sys.modules.items() if isinstance(module, TorchModule)]:
        del sys.modules[name]


def installed() -> bool:
    """Whether ``import torch`` means Tallow in this process."""
    return any(isinstance(finder, Finder) for finder in sys.meta_path)
