"""The examples in the docstrings run and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import tallow.data

MODULES = ["tallow.data", *(m.name for m in pkgutil.walk_packages(tallow.data.__path__, "tallow.data."))]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
