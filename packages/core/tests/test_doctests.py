"""The examples in the docstrings run and print what they say."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import tallow

HERE = Path(tallow.__file__).parent


def core_modules():
    # Other packages share the namespace, with modules of their own in folders of their own.
    for found in pkgutil.walk_packages([str(HERE)], "tallow."):
        if found.name not in ("tallow._core", "tallow.as_torch.__main__") and ".spawned" not in found.name:
            yield found.name


@pytest.mark.parametrize("name", ["tallow", *core_modules()])
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed == 0
