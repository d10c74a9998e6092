"""``torch.func``, as far as it needs no rules for batches: functions of functions, and modules as functions.

>>> import tallow
>>> tallow.func.grad(lambda x: x.sin().sum())(tallow.zeros(2))
tensor([1., 1.])
"""

from __future__ import annotations

from typing import Any

import tallow

from .transforms import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "vjp"]


def __getattr__(name: str) -> Any:
    if name == "functional_call":
        return tallow.nn.utils.stateless.functional_call  # modules are tallow-nn's, which need not be installed
    raise AttributeError(f"module 'tallow.func' has no attribute {name!r}")
