"""The examples in the docstrings run and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import tallow.optim

pytest.importorskip("tallow.autograd")  # the examples set gradients

MODULES = ["tallow.optim", *(m.name for m in pkgutil.walk_packages(tallow.optim.__path__, "tallow.optim."))]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
