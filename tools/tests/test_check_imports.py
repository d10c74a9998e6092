"""check_imports resolves what a file imports, and knows what is loaded with the module."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from check_imports import imports_of, main, owner_of


def found(tmp_path, text, package="tallow.nn"):
    path = tmp_path / "m.py"
    path.write_text(text)
    return {(i.module, i.when_loaded) for i in imports_of(path, package)}


def test_relative_imports_become_absolute(tmp_path):
    assert ("tallow.nn.functional", True) in found(tmp_path, "from . import functional")
    assert ("tallow.autograd.x", True) in found(tmp_path, "from ..autograd import x")


def test_imports_in_functions_are_not_when_loaded(tmp_path):
    assert found(tmp_path, "def f():\n    import numpy\n") == {("numpy", False)}


def test_imports_in_classes_and_branches_are(tmp_path):
    assert ("numpy", True) in found(tmp_path, "class A:\n    import numpy\n")
    assert ("numpy", True) in found(tmp_path, "try:\n    import numpy\nexcept ImportError:\n    pass\n")


def test_imports_for_type_checkers_do_not_count(tmp_path):
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy\nelse:\n    import array\n"
    modules = {module for module, _ in found(tmp_path, text)}
    assert "numpy" not in modules and "array" in modules


def test_owner_is_that_of_the_longest_module():
    owners = {"tallow": "tallow-core", "tallow.nn": "tallow-nn"}
    assert owner_of("tallow.nn.Linear", owners) == "tallow-nn"
    assert owner_of("tallow.tensor", owners) == "tallow-core"
    assert owner_of("numpy", owners) is None


def test_this_repository():
    assert main(None) == 0
