"""The examples in the docstrings run and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import tallow.nn

MODULES = ["tallow.nn", *(m.name for m in pkgutil.walk_packages(tallow.nn.__path__, "tallow.nn."))]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
