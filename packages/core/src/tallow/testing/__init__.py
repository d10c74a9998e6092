"""Helpers for tests: compare results with tolerances that fit their dtype, make random inputs of any dtype, call ops
with anything."""

from ._comparison import assert_close
from ._creation import make_tensor
from ._hostile import assert_never_crashes, call_at_random

__all__ = ["assert_close", "assert_never_crashes", "call_at_random", "make_tensor"]
