"""Any op of the library, hidden ones too, may be called with anything: the answer is an exception, never a crash."""

from __future__ import annotations

import pytest

from tallow.testing import assert_never_crashes


@pytest.mark.parametrize("seed", range(3))
def test_no_crash(seed: int) -> None:
    assert_never_crashes("nn", seed, 4000, imports="tallow.nn")
