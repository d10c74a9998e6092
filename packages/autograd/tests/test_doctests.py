"""The examples in the documentation run."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ["", "._draw", "._tensor", ".anomaly_mode", ".function", ".functional", ".gradcheck", ".graph"]


@pytest.mark.filterwarnings("ignore:Error detected in")
@pytest.mark.parametrize("name", [*(f"tallow.autograd{m}" for m in MODULES), "tallow.utils.checkpoint"])
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted and not result.failed
