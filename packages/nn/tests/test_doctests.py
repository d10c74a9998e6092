"""The examples in the docstrings run and print what they say."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import tallow.nn

MODULES = ["tallow.nn", *(m.name for m in pkgutil.walk_packages(tallow.nn.__path__, "tallow.nn."))]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


#: Other names of what has an example, and what is there for old programs only.
WITHOUT = {"Container", "NLLLoss2d", "legacy_reduction", "upsample", "upsample_bilinear"}


def test_every_public_name_has_an_example():
    from tallow.nn import functional

    missing = []
    for module in (tallow.nn, functional):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.ismodule(value) or name.endswith(("_", "_with_indices")) or name in WITHOUT:
                continue
            if ">>>" not in (value.__doc__ or ""):
                missing.append(f"{module.__name__}.{name}")
    assert not missing
