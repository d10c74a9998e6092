"""Special functions, as ``torch.special``: the core's under their mathematical names, and the rarer ones.

>>> import tallow
>>> tallow.special.expit(tallow.tensor(0.0))
tensor(0.5000)
"""

from __future__ import annotations

from typing import Any

from tallow import _ops

# The name here, and the op where it is called otherwise.
_CORE = {
    "digamma": "digamma", "gammainc": "igamma", "gammaincc": "igammac", "erf": "erf", "erfc": "erfc",
    "erfinv": "erfinv", "exp2": "exp2", "expit": "sigmoid", "expm1": "expm1", "gammaln": "lgamma", "i0": "i0",
    "log1p": "log1p", "log_softmax": "log_softmax", "logsumexp": "logsumexp", "polygamma": "polygamma",
    "psi": "digamma", "round": "round", "sinc": "sinc", "softmax": "softmax", "xlogy": "xlogy",
}  # fmt: skip
_SPECIAL = (
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t", "chebyshev_polynomial_u",
    "chebyshev_polynomial_v", "chebyshev_polynomial_w", "entr", "erfcx", "hermite_polynomial_h",
    "hermite_polynomial_he", "i0e", "i1", "i1e", "laguerre_polynomial_l", "legendre_polynomial_p", "log_ndtr", "logit",
    "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1", "multigammaln", "ndtr",
    "ndtri", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w",
    "spherical_bessel_j0", "xlog1py", "zeta",
)  # fmt: skip

__all__ = sorted({*_CORE, *_SPECIAL})


def __getattr__(name: str) -> Any:
    if name in _CORE:
        value = _ops.packet(_CORE[name])
    elif name in _SPECIAL:
        value = _ops.packet(f"special::{name}")
    else:
        raise AttributeError(f"module 'tallow.special' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
