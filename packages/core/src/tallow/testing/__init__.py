"""Helpers for tests: compare results with tolerances that fit their dtype, make random inputs of any dtype."""

from ._comparison import assert_close
from ._creation import make_tensor

__all__ = ["assert_close", "make_tensor"]
