"""Every op has exactly one way to be differentiated, and every rule has samples."""

from __future__ import annotations

import pytest

import tallow
import tallow.autograd
import test_core_samples
from samples import all_rows

FLAGS = tallow._core.op_flags
TABLE = [r for r in tallow._core.op_table() if not r["ns"]]
ROWS = all_rows()
# Rules of views whose memory is read as other numbers: no function of real numbers to check.
WITHOUT_SAMPLES = {"view.dtype"}


def full_name(r: dict) -> str:
    return r["name"] + ("." + r["overload"] if r["overload"] else "")


@pytest.mark.parametrize("r", [pytest.param(r, id=full_name(r)) for r in TABLE])
def test_differentiable_composite_or_neither(r: dict) -> None:
    constant = bool(r["flags"] & FLAGS["NOT_DIFFERENTIABLE"])
    assert not (constant and r["grad"]), "declared non-differentiable, and has a rule"
    assert constant or r["grad"] or r["composite"], "no gradient rule, not composite, not declared non-differentiable"
    assert tallow.ops.autograd.rule_kind(full_name(r)) != "missing"  # and the rule compiles


def test_every_rule_has_samples() -> None:
    """A row of core's own table counts: test_core_samples differentiates it."""
    sampled = {n for row in ROWS for n in row.names} | {row.op for row in test_core_samples.ROWS} | WITHOUT_SAMPLES
    rules = {full_name(r) for r in TABLE if r["grad"] and r["variant"] == 0}
    assert sorted(rules - sampled) == []
