"""Any op of the library may be called with anything: the answer is an exception, never a crash."""

from __future__ import annotations

import pytest

from tallow.testing import assert_never_crashes

# These change the state of the process.
LEFT_OUT = {"set_anomaly", "push_saved_hooks", "disable_saved_hooks"}


@pytest.mark.parametrize("seed", range(3))
def test_no_crash(seed: int) -> None:
    assert_never_crashes("autograd", seed, 3000, imports="tallow.autograd", leave_out=LEFT_OUT)
