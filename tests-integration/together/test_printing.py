"""repr of tensors in a graph against what torch prints for the same numbers (recorded beside core's own tests)."""

import importlib.util
import json
import pathlib

import tallow
from tallow._tensor_str import printoptions

DATA = pathlib.Path(__file__).parents[2] / "packages" / "core" / "tests" / "data"


def test_requires_grad_and_grad_fn():
    spec = importlib.util.spec_from_file_location("printing_cases", DATA / "printing_cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cases = [c for c in json.loads((DATA / "printing.json").read_text()) if c[4] not in ("", "meta")]
    assert cases
    for options, values, shape, dtype, grad, expected in cases:
        with printoptions(**options):
            text = repr(module.build(tallow, values, shape, dtype, grad)).replace("tallow.", "torch.")
        # The longer name of the library breaks some lines before grad_fn.
        assert text.replace(",\n       grad_fn", ", grad_fn") == expected.replace(",\n       grad_fn", ", grad_fn")
