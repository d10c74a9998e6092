"""Utilities that packages add to: ``tallow.utils.data`` comes with tallow-data, ``tallow.utils.checkpoint`` with
tallow-autograd."""

import pkgutil as _pkgutil

__path__ = _pkgutil.extend_path(__path__, __name__)
