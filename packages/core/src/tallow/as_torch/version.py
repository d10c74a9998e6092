"""``torch.version``: the version of torch whose interface is followed, and what it says about the build."""

from __future__ import annotations

#: torch's version, with Tallow's name where torch names its build.
__version__ = "2.13.0+tallow"
debug = False
git_version = "unknown"
cuda = None
hip = None
xpu = None
