"""Any op may be called with anything: the answer is an exception, never a crash."""

from __future__ import annotations

import pytest

import tallow
from tallow.testing import assert_never_crashes, call_at_random

NAMESPACES = sorted({r["ns"] or "core" for r in tallow._core.op_table()})


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_no_crash(namespace: str, seed: int) -> None:
    assert_never_crashes(namespace, seed, 4000 if namespace == "core" else 1000)


def test_what_ends_a_process_is_reported() -> None:
    with pytest.raises(AssertionError, match="the process ended with 3"):
        assert_never_crashes("core", 0, 1, imports="os; os._exit(3)")
    with pytest.raises(ValueError, match="there are no ops in the namespace 'nothing'"):
        call_at_random("nothing", 0, 1)


def test_triangles_without_a_step_for_every_row() -> None:
    assert tallow.triu_indices(1 << 40, 3).shape == (2, 6)
    assert tallow.tril_indices(1 << 40, 2, -(1 << 40) + 1).tolist() == [[(1 << 40) - 1], [0]]
    with pytest.raises(RuntimeError, match="too many elements"):
        tallow.tril_indices(1 << 40, 1 << 40)
