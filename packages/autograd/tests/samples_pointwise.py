"""Samples of the pointwise family."""

from __future__ import annotations

import tallow
from samples import mask, row, unary

ARITHMETIC = [
    row("add", lambda x, y: x + y, (2, 3), (3,), kinds="rc"),
    row("add", lambda x, y: tallow.add(x, y, alpha=2.5), (2, 1), (3,), kinds="rc"),
    row("add", lambda x: x + 2, (3,), kinds="rc"),
    row("sub", lambda x, y: x - y, (2, 3), (2, 1), kinds="rc"),
    row("sub", lambda x, y: tallow.sub(x, y, alpha=3), (2, 3), (2, 1), kinds="rc"),
    row("sub", lambda x: 2 - x, (3,), kinds="rc"),
    row("rsub", lambda x, y: tallow.rsub(x, y, alpha=2), (3,), (2, 3), kinds="rc"),
    row("mul", lambda x, y: x * y, (2, 3), (3,), kinds="rc"),
    row("mul", lambda x: x * x, (3,), kinds="rc"),
    row("mul", lambda x: 3 * x, (3,), kinds="rc"),
    row("div", lambda x, y: x / y, (2, 3), (3,), kinds="rc", gap=0.4),
    row("div", lambda x: 2 / x, (3,), kinds="rc", gap=0.4),
    row("div", lambda x: x / 4, (3,), kinds="rc"),
    row("div.mode", lambda x, y: tallow.div(x, y, rounding_mode="floor"), (3,), (3,), gap=0.4),
    row("div.mode", lambda x, y: tallow.div(x, y, rounding_mode=None), (3,), (3,), gap=0.4),
    row("remainder", lambda x, y: x % y, (4,), (4,), gap=0.5),
    row("remainder", lambda x: x % 0.7, (4,)),
    row("fmod", lambda x, y: tallow.fmod(x, y), (4,), (4,), gap=0.5),
    row("fmod", lambda x: x.fmod(0.7), (4,)),
    row("pow", lambda x: x**3, (3,), kinds="rc"),
    row("pow", lambda x: x**2, (3,), kinds="rc"),
    row("pow", lambda x: x**0, (3,), kinds="rc"),
    row("pow", lambda x: x**1, (3,), kinds="rc"),
    row("pow", lambda x: x**-1.5, (3,), kinds="r", low=0.5),
    row("pow", lambda x: x ** (1.5 + 0.5j), (3,), kinds="c", low=0.5),
    row("pow", lambda x, y: x**y, (2, 3), (3,), kinds="rc", low=0.4),
    row("pow", lambda y: 2.5**y, (3,), kinds="rc"),
    row("neg", lambda x: -x, (3,), kinds="rc"),
    *unary("abs", kinds="rc"),
    *unary("sign"),
    *unary("sgn", kinds="rc"),
    *unary("reciprocal", kinds="rc", gap=0.5),
    *unary("square", kinds="rc"),
    *unary("sqrt", kinds="rc", low=0.5),
    *unary("rsqrt", kinds="rc", low=0.5),
    row("addcmul", lambda x, a, b: tallow.addcmul(x, a, b, value=2), (2, 3), (3,), (2, 1), kinds="rc"),
    row("addcdiv", lambda x, a, b: tallow.addcdiv(x, a, b, value=2), (2, 3), (3,), (2, 1), kinds="rc", gap=0.5),
    row("lerp", lambda x, e, w: tallow.lerp(x, e, w), (2, 3), (3,), (2, 1), kinds="r"),
    row("lerp", lambda x, e: tallow.lerp(x, e, 0.3), (2, 3), (3,), kinds="r"),
    row("hypot", lambda x, y: tallow.hypot(x, y), (2, 3), (3,)),
    row("frexp", lambda x: tallow.frexp(x)[0], (3,), gap=0.4),
    row("igamma", lambda x: tallow.igamma(tallow.full_like(x, 2.5).detach(), x), (3,), low=0.5),
    row("igammac", lambda x: tallow.igammac(tallow.full_like(x, 2.5).detach(), x), (3,), low=0.5),
    row("copysign", lambda x, y: tallow.copysign(x, y), (2, 3), (3,)),
]

EXPONENTIAL = [
    *unary("exp", kinds="rc"),
    *unary("exp2", kinds="r"),
    *unary("expm1", kinds="r"),
    *unary("log", kinds="rc", low=0.3),
    *unary("log2", kinds="r", low=0.3),
    *unary("log10", kinds="r", low=0.3),
    *unary("log1p", kinds="r", low=-0.5),
    row("logaddexp", lambda x, y: tallow.logaddexp(x, y), (2, 3), (3,)),
    row("logaddexp2", lambda x, y: tallow.logaddexp2(x, y), (2, 3), (3,)),
    row("xlogy", lambda x, y: tallow.xlogy(x, y), (2, 3), (3,), low=0.3),
    row("xlogy", lambda x: tallow.xlogy(x, 2.5), (3,), low=0.3),
    row("xlogy", lambda y: tallow.xlogy(2.5, y), (3,), low=0.3),
    *unary("sigmoid", kinds="rc"),
    row("logit", lambda x: x.logit(), (3,), low=0.2, high=0.8),
    row("logit", lambda x: x.logit(eps=0.1), (3,), low=0.2, high=0.8),
]

TRIGONOMETRIC = [
    *(r for name in ("sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh") for r in unary(name, kinds="r")),
    *(r for name in ("sin", "cos", "sinh", "cosh", "tanh") for r in unary(name, kinds="c")),
    *(r for name in ("asin", "acos", "atanh") for r in unary(name, low=-0.8, high=0.8)),
    *unary("acosh", low=1.3, high=3),
    *unary("sinc"),
    *unary("deg2rad"),
    *unary("rad2deg"),
    row("atan2", lambda x, y: tallow.atan2(x, y), (2, 3), (3,), gap=0.3),
]

SPECIAL = [
    *unary("erf"),
    *unary("erfc"),
    *unary("erfinv", low=-0.7, high=0.7),
    *unary("lgamma", low=0.5, high=3),
    *unary("digamma", low=0.5, high=3),
    *unary("i0"),
    row("polygamma", lambda x: tallow.polygamma(1, x), (2, 3), low=0.5, high=3),
]

SELECTION = [
    *(r for name in ("floor", "ceil", "round", "trunc", "frac") for r in unary(name)),
    *unary("relu"),
    row("threshold", lambda x: tallow.threshold(x, 0.5, 2.0), (3,)),
    row("_clamp", lambda x: x.clamp(-0.5, 0.6), (6,)),
    row("_clamp", lambda x, a, b: tallow.clamp(x, a, b), (6,), (6,), (6,), distinct=True),
    row("clamp_min", lambda x, a: tallow.clamp_min(x, a), (6,), (6,), distinct=True),
    row("clamp_min", lambda x: x.clamp_min(0.3), (6,)),
    row("clamp_max", lambda x, a: tallow.clamp_max(x, a), (6,), (6,), distinct=True),
    row("clamp_max", lambda x: x.clamp_max(0.3), (6,)),
    *(
        row(name, lambda x, y, name=name: getattr(tallow, name)(x, y), (2, 4), (4,), distinct=True)
        for name in ("maximum", "minimum", "fmax", "fmin")
    ),
    row("where", lambda x, y: tallow.where(mask([True, False, True]), x, y), (2, 3), (3,), kinds="rc"),
    row("where", lambda x: tallow.where(mask([True, False, True]), x, 0.5), (2, 3)),
    row("_nan_to_num", lambda x: x.nan_to_num(), (3,)),
]

COMPLEX = [
    row("angle", lambda x: x.angle(), (3,), kinds="rc"),
    row("conj_physical", lambda x: x.conj(), (3,), kinds="rc"),
    row("view_as_real", lambda x: tallow.view_as_real(x), (3,), kinds="c"),
    row("view_as_complex", lambda x: tallow.view_as_complex(x), (3, 2)),
    row("view_as_complex", lambda x, y: tallow.complex(x, y), (3,), (3,)),
    row("view_as_complex", lambda x, y: tallow.polar(x, y), (3,), (3,)),
    row("view_as_real", lambda x: tallow.real(x) * 2 + tallow.imag(x), (3,), kinds="c"),
]

MEMORY = [
    row("clone", lambda x: x.clone(), (2, 3), kinds="rc"),
    row("_to_copy", lambda x: x.to(tallow.complex128) * (1 + 2j), (2, 3)),
    row("_to_copy", lambda x: x.to(tallow.float64, copy=True), (2, 3)),
    row("copy_", lambda x, y: (x * 1).copy_(y), (2, 3), (3,)),
    row("fill_", lambda x, v: (x * 1).fill_(v), (2, 3), ()),
    row("fill_", lambda x: (x * 1).fill_(2.0), (2, 3)),
    row("zero_", lambda x: (x * 1).zero_(), (2, 3)),
]

ROWS = ARITHMETIC + EXPONENTIAL + TRIGONOMETRIC + SPECIAL + SELECTION + COMPLEX + MEMORY
