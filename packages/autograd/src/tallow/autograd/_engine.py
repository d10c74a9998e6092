"""The native library: loaded on import, and its ops under short names."""

from __future__ import annotations

import os
from typing import Any

from tallow import ops

ops.load_library(os.path.join(os.path.dirname(__file__), "lib", "libtallow_autograd.so"))
native: Any = ops.autograd
