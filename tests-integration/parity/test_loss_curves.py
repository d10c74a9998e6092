"""Fifty steps of five kinds of models give torch's loss curve, from the same weights on the same data.

In float64 nothing but the order of sums differs, so the curves agree to many digits: the programs mean the same. In
float32 training makes rounding grow (a ReLU whose input is nearly zero passes its gradient in one library alone); what
it may grow to is measured by torch's own distance from its curve in float64.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

import tallow

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parent))
import programs  # noqa: E402

PROGRAMS = [programs.ResNet18, programs.Gpt, programs.Lstm, programs.Vae, programs.Dcgan]


@pytest.fixture(autouse=True)
def one_thread():
    """Small programs on many threads spend their time waiting where other processes run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def difference(a, b):
    return float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1e-3)))


@pytest.mark.parametrize("program", PROGRAMS)
def test_loss_curve(program, record_property):
    exact = programs.curve(torch, program(), "float64")
    assert difference(programs.curve(tallow, program(), "float64"), exact) < 1e-7
    theirs, ours = (programs.curve(lib, program(), "float32") for lib in (torch, tallow))
    apart, noise = difference(ours, theirs), difference(theirs, exact)
    record_property("float32", apart)
    record_property("torch's own rounding", noise)
    assert apart < max(1e-4, 4 * noise), f"{apart:.2g} apart where torch itself is {noise:.2g} off"
    assert np.isfinite(ours).all() and ours[-1].sum() < ours[0].sum()
