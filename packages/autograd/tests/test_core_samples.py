"""The derivatives of core's ops at the rows of core's own table of samples, in float64."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

import tallow
from tallow.autograd import gradcheck, gradgradcheck

TABLE = Path(__file__).parents[2] / "core" / "tests" / "samples"


def load_table() -> Any:
    """The package under a name of its own: this folder has samples too."""
    start = TABLE / "__init__.py"
    spec = importlib.util.spec_from_file_location("core_samples", start, submodule_search_locations=[str(TABLE)])
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["core_samples"] = module
    spec.loader.exec_module(module)
    return module


if not TABLE.exists():
    pytest.skip("core's tests are not beside this package", allow_module_level=True)
table = load_table()
FLAGS = tallow._core.op_flags
CONSTANT = {op["name"] for op in tallow._core.op_table() if op["flags"] & FLAGS["NOT_DIFFERENTIABLE"]}


def differentiable(row: Any) -> bool:
    name = row.op.replace("linalg.", "linalg_").split(".")[-1]
    return row.grad and row.ref is not None and "float64" in row.dtypes and name not in CONSTANT


ROWS = [r for r in table.rows() if differentiable(r)]
PARAMS = [pytest.param(r, id=r.id) for r in ROWS]


def as_function(row: Any) -> tuple[Any, list[tallow.Tensor]]:
    """The call as a function of its floating-point tensors alone."""
    built = row.build("float64")
    inputs: list[tallow.Tensor] = []

    def collect(t: tallow.Tensor) -> tallow.Tensor:
        if t.is_floating_point():
            inputs.append(t.requires_grad_())
        return t

    table.map_arguments(built, collect, tallow.Tensor)

    def function(*values: tallow.Tensor) -> Any:
        given = iter(values)
        args = table.map_arguments(built, lambda t: next(given) if t.is_floating_point() else t, tallow.Tensor)
        out = row.call(args)
        outs = out if isinstance(out, (tuple, list)) else (out,)
        return tuple(o for o in outs if o.is_floating_point() or o.is_complex())

    return function, inputs


@pytest.mark.parametrize("row", PARAMS)
def test_first_derivative(row: Any) -> None:
    function, inputs = as_function(row)
    if not any(t.numel() for t in inputs):
        pytest.skip("nothing to differentiate")
    assert gradcheck(function, inputs)


@pytest.mark.parametrize("row", [p for p in PARAMS if p.values[0].gradgrad])
def test_second_derivative(row: Any) -> None:
    function, inputs = as_function(row)
    if not any(t.numel() for t in inputs) or sum(t.numel() for t in inputs) > 40:
        pytest.skip("nothing to differentiate, or more than the first derivative is worth")
    assert gradgradcheck(function, inputs, atol=1e-4)
