"""Examples in the docstrings of optim, which set gradients and train modules: what its own tests do not have."""

import doctest
import importlib
import pkgutil

import pytest

import tallow.optim


@pytest.mark.parametrize("name", [m.name for m in pkgutil.walk_packages(tallow.optim.__path__, "tallow.optim.")])
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
