"""The name under which PyTorch programs know :mod:`tallow.data`."""

from tallow.data import *  # noqa: F403
from tallow.data import __all__  # noqa: F401
