"""The examples in the docstrings run and print what they say."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import tallow.optim

pytest.importorskip("tallow.autograd")  # the examples set gradients

MODULES = ["tallow.optim", *(m.name for m in pkgutil.walk_packages(tallow.optim.__path__, "tallow.optim."))]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_public_name_has_an_example():
    from tallow.optim import lr_scheduler, swa_utils

    for module in (tallow.optim, lr_scheduler, swa_utils):
        for name in module.__all__:
            value = getattr(module, name)
            assert inspect.ismodule(value) or ">>>" in (value.__doc__ or ""), name
