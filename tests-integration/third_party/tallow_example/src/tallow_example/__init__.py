"""softclip: a clip whose corners are round.

>>> import tallow, tallow_example
>>> tallow_example.softclip(tallow.tensor([0.0, 100.0]), limit=2.0)
tensor([0., 2.])
"""

from pathlib import Path

from tallow import ops

ops.load_library(Path(__file__).parent / "lib" / "libtallow_example.so")

softclip = ops.example.softclip
softclip_ = ops.example.softclip_
