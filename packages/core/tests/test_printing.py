"""repr of tensors against what torch prints for the same numbers (recorded in data/printing.json)."""

import importlib.util
import json
import pathlib
import sys

import pytest

import tallow

DATA = pathlib.Path(__file__).with_name("data")


def load_builder():
    spec = importlib.util.spec_from_file_location("printing_cases", DATA / "printing_cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build


build = load_builder()
CASES = json.loads((DATA / "printing.json").read_text())


@pytest.fixture(autouse=True)
def default_options():
    tallow.set_printoptions(profile="default")
    yield
    tallow.set_printoptions(profile="default")


def mismatches(cases):
    for options, values, shape, dtype, grad, expected in cases:
        tallow.set_printoptions(profile="default")
        tallow.set_printoptions(**options)
        text = repr(build(tallow, values, shape, dtype, grad)).replace("tallow.", "torch.")
        if text != expected:
            yield f"{options} {values} {shape} {dtype} {grad!r}\nexpected {expected}\ngot      {text}"


@pytest.mark.parametrize("dtype", sorted({case[3] for case in CASES}))
def test_numbers_as_torch_prints_them(dtype):
    cases = [case for case in CASES if case[3] == dtype and case[4] in ("", "meta")]
    assert cases
    assert next(mismatches(cases), None) is None


def test_str_equals_repr_and_options_context():
    tensor = tallow.tensor([1.23456])
    assert str(tensor) == repr(tensor) == "tensor([1.2346])"
    with tallow._tensor_str.printoptions(precision=1):
        assert repr(tensor) == "tensor([1.2])"
    assert repr(tensor) == "tensor([1.2346])"


def test_view_prints_what_it_shows():
    tensor = tallow.arange(6).reshape(2, 3)
    assert repr(tensor.t()) == "tensor([[0, 3],\n        [1, 4],\n        [2, 5]])"
    assert repr(tensor[1]) == "tensor([3, 4, 5])"


def test_large_tensor_reads_only_what_it_shows():
    tensor = tallow.zeros(1).expand(1 << 40)
    assert repr(tensor) == "tensor([0., 0., 0.,  ..., 0., 0., 0.])"


def test_unknown_profile():
    with pytest.raises(ValueError, match="profile must be one of.*got 'wide'"):
        tallow.set_printoptions(profile="wide")


def test_printing_needs_no_numpy():
    import subprocess

    code = "import sys, tallow; repr(tallow.ones(3)); assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
