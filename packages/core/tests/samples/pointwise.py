# ruff: noqa: E501 - a row of a table is a line
"""Rows of the pointwise family: arithmetic, rounding, exponentials, trigonometry, special functions."""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np

from . import (
    ALL,
    BOOL,
    COMPLEX,
    FLOATS,
    INEXACT,
    INTS,
    REALS,
    A,
    B,
    E,
    S,
    Sample,
    V,
    aliases,
)

NUMBERS = REALS + COMPLEX  # all but bool
BIG = (257, 401)
LOOSE = {"complex64": (1e-5, 1e-5), "float32": (1e-5, 1e-5), "float16": (2e-3, 2e-3)}


def unary(op: str, ref: Any, low: float = -2.0, high: float = 2.0, dtypes: Any = None, **options: Any) -> list[Sample]:
    dtypes = dtypes or INEXACT + INTS + BOOL
    arg: Any = A(4, 5, low=low, high=high)
    options.setdefault("result", "float")
    if options["result"] == "float":
        ref = widened(ref)
    return [S(op, (arg,), ref=ref, dtypes=dtypes, big=(A(*BIG, low=low, high=high),), **options)]


def binary(op: str, ref: Any, dtypes: Any, low: float = -2.0, high: float = 2.0, scalar: Any = None, **options: Any) -> list[Sample]:
    a, b = A(4, 5, low=low, high=high), A(4, 5, low=low, high=high)
    out = [
        S(op, (a, b), ref=ref, dtypes=dtypes, big=(A(*BIG, low=low, high=high), A(BIG[1], low=low, high=high)), **options),
        S(op, (A(3, 1, 5, low=low, high=high), A(4, 1, low=low, high=high)), ref=ref, dtypes=dtypes[:1], **options),
        S(op, (A(5, low=low, high=high), A(low=low, high=high)), ref=ref, dtypes=dtypes[:1], **options),
        S(op, (A(0, 3), A(3)), ref=ref, dtypes=dtypes[:1], **options),
    ]
    if scalar is not None:
        out.append(S(op, (a, scalar), ref=ref, dtypes=[d for d in dtypes if d not in BOOL], **options))
    return out


def widened(f: Any) -> Any:
    """NumPy computes bool in float16: not a reference."""
    return lambda a: f(a.astype(np.float64) if a.dtype == bool else a)


def vectorized(f: Any) -> Any:
    return np.vectorize(f, otypes=[float])


def digamma(x: float) -> float:
    """By recurrence to 10 and the asymptotic series."""
    out = 0.0
    while x < 10:
        out, x = out - 1 / x, x + 1
    z = 1 / (x * x)
    return out + math.log(x) - 0.5 / x - z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z / 132))))


def erfinv(y: float) -> float:
    """Newton's method on erf."""
    x = 0.0
    for _ in range(60):
        x -= (math.erf(x) - y) / (2 / math.sqrt(math.pi) * math.exp(-x * x))
    return x


def euler_maclaurin(x: Any, q: Any) -> Any:
    """Hurwitz's zeta function: a thousand terms and the integral of the rest."""
    q = np.asarray(q, float)
    head = ((q[..., None] + np.arange(1000)) ** -np.asarray(x, float)[..., None]).sum(-1)
    return head + (q + 1000) ** (1 - x) / (x - 1) + 0.5 * (q + 1000) ** -x


def bessel(f: Any) -> Any:
    """A Bessel function by the trapezoid rule on its integral over half a period, exact for periodic integrands."""
    theta = (np.arange(400) + 0.5) * np.pi / 400
    return lambda x: f(np.asarray(x, float)[..., None], theta).mean(-1)


bessel_i0 = bessel(lambda x, t: np.exp(x * np.cos(t)))
bessel_i1 = bessel(lambda x, t: np.exp(x * np.cos(t)) * np.cos(t))
bessel_j0 = bessel(lambda x, t: np.cos(x * np.sin(t)))
bessel_j1 = bessel(lambda x, t: np.cos(t - x * np.sin(t)))


def ndtr(x: Any) -> Any:
    return 0.5 * vectorized(math.erfc)(-np.asarray(x) / math.sqrt(2))


def series(name: str) -> Any:
    """A classical polynomial of the given degrees by NumPy's series of that name."""
    value = getattr(getattr(np.polynomial, name), {"chebyshev": "chebval", "hermite": "hermval", "hermite_e": "hermeval", "laguerre": "lagval", "legendre": "legval"}[name])
    return np.vectorize(lambda x, n: value(x, [0] * int(n) + [1]), otypes=[float])


def angle(f: Any) -> Any:
    return lambda x, n: f(np.arccos(x), n)


CHEBYSHEV = {
    "t": angle(lambda a, n: np.cos(n * a)),
    "u": angle(lambda a, n: np.sin((n + 1) * a) / np.sin(a)),
    "v": angle(lambda a, n: np.cos((n + 0.5) * a) / np.cos(a / 2)),
    "w": angle(lambda a, n: np.sin((n + 0.5) * a) / np.sin(a / 2)),
}


def known(op: str, points: list[float], values: list[float]) -> list[Sample]:
    """Values from the tables of Abramowitz and Stegun, chapters 9 and 10."""
    return [S(op, (V(points),), ref=lambda a: np.array(values), dtypes=("float32", "float64"), result="float", grad=False)]


def degrees(op: str, ref: Any, low: float = -0.9) -> list[Sample]:
    n = V([0, 1, 2, 5, 8], "int64")
    return [S(op, (A(4, 5, low=low, high=0.9), n), ref=ref, dtypes=("float32", "float64"), grad=False, tolerance={"float32": (1e-5, 1e-3)})]


def sgn(a: Any) -> Any:
    return np.where(a == 0, 0, a / np.where(a == 0, 1, np.abs(a))) if np.iscomplexobj(a) else np.sign(a)


def truth(a: Any) -> Any:
    return a


ROWS: list[Sample] = [
    *binary("add", lambda a, b, alpha=1: np.add(a, alpha * b if alpha != 1 else b), ALL, scalar=2),
    S("add", (A(4, 5), A(5)), {"alpha": 3}, lambda a, b, alpha: a + alpha * b, dtypes=NUMBERS),
    *binary("sub", lambda a, b, alpha=1: a - alpha * b, NUMBERS, scalar=2),
    S("rsub", (A(4, 5), A(4, 5)), {"alpha": 2}, lambda a, b, alpha: b - alpha * a, dtypes=NUMBERS),
    S("rsub", (A(4), 2.5), ref=lambda a, b: b - a, dtypes=INEXACT),
    *binary("mul", np.multiply, ALL, scalar=3),
    *binary("div", np.true_divide, NUMBERS + BOOL, low=1, high=3, scalar=2, result="float"),
    S("div", (A(4, 5, low=-7, high=7), A(4, 5, low=1, high=3)), {"rounding_mode": "floor"}, lambda a, b, **_: np.floor_divide(a, b), dtypes=REALS),
    S("div", (A(4, 5, low=-7, high=7), A(4, 5, low=1, high=3)), {"rounding_mode": "trunc"}, lambda a, b, **_: np.trunc(a / b), dtypes=REALS),
    *binary("floor_divide", np.floor_divide, REALS, low=1, high=5, scalar=2),
    *binary("remainder", np.remainder, REALS, low=1, high=5, scalar=2),
    S("remainder", (A(5, low=-9, high=9), A(5, low=-3, high=-1)), ref=np.remainder, dtypes=FLOATS + INTS[:4]),
    *binary("fmod", np.fmod, REALS, low=1, high=5, scalar=2),
    S("fmod", (A(5, low=-9, high=9), A(5, low=-3, high=-1)), ref=np.fmod, dtypes=FLOATS + INTS[:4]),
    *unary("neg", np.negative, dtypes=NUMBERS, result="same"),
    *unary("abs", np.abs, dtypes=ALL, result="real"),
    *unary("sign", truth, low=1, high=1, dtypes=BOOL, result="same"),
    *unary("sign", np.sign, dtypes=REALS, result="same"),
    *unary("sgn", sgn, dtypes=NUMBERS, result="same"),
    *unary("square", np.square, dtypes=NUMBERS, result="same"),
    *unary("reciprocal", lambda a: 1 / (a * 1.0), low=1, high=3),
    *unary("relu", lambda a: np.maximum(a, 0), dtypes=REALS, result="same"),
    *binary("maximum", np.maximum, REALS + BOOL),
    *binary("minimum", np.minimum, REALS + BOOL),
    S("maximum", (V([1.0, math.nan, 2.0]), V([math.nan, 1.0, 3.0])), ref=np.maximum, grad=False),
    *binary("fmax", np.fmax, REALS + BOOL),
    *binary("fmin", np.fmin, REALS + BOOL),
    S("fmax", (V([1.0, math.nan, 2.0]), V([math.nan, 1.0, 3.0])), ref=np.fmax, grad=False),
    *binary("clamp_min", np.maximum, REALS, scalar=0),
    *binary("clamp_max", np.minimum, REALS, scalar=0),
    S("clamp", (A(4, 5), -1, 1), ref=lambda a, low, high: np.clip(a, low, high), dtypes=FLOATS + INTS[:4]),
    S("clamp", (A(4, 5),), {"min": 0}, lambda a, min: np.maximum(a, min), dtypes=REALS),
    S("clamp", (A(4, 5),), {"max": 1}, lambda a, max: np.minimum(a, max), dtypes=REALS),
    S("clamp", (A(4, 5), A(5, low=-1, high=0), A(4, 1, low=0, high=1)), ref=np.clip, dtypes=FLOATS, big=(A(*BIG), A(BIG[1]), A(BIG[1], low=2, high=3))),
    S("where", (B(4, 5), A(4, 5), A(5)), ref=np.where, dtypes=ALL, in_place=False, big=(B(*BIG), A(*BIG), A(*BIG))),
    S("where", (B(4, 5), A(4, 5), 2), ref=np.where, dtypes=NUMBERS, in_place=False),
    S("lerp", (A(4, 5), A(5), A(4, 1, low=0, high=1)), ref=lambda a, b, w: a + w * (b - a), dtypes=INEXACT, big=(A(*BIG),) * 3),
    S("lerp", (A(4, 5), A(5), 0.3), ref=lambda a, b, w: a + w * (b - a), dtypes=INEXACT),
    S("addcmul", (A(4, 5), A(5), A(4, 1)), {"value": 2}, lambda a, b, c, value: a + value * b * c, dtypes=NUMBERS, big=(A(*BIG),) * 3),
    S("addcdiv", (A(4, 5), A(5), A(4, 1, low=1, high=2)), {"value": 2}, lambda a, b, c, value: a + value * b / c, dtypes=INEXACT, big=(A(*BIG), A(*BIG), A(*BIG, low=1))),
    *binary("copysign", np.copysign, REALS + BOOL, low=0.5, high=2, scalar=-1, result="float"),
    S("copysign", (A(4, 5), V([1.0, -1.0, 0.0, -0.0, 2.0])), ref=np.copysign, grad=False),
    *binary("heaviside", np.heaviside, REALS),
    *binary("hypot", np.hypot, FLOATS),
    S("nextafter", (A(4, 5), A(5)), ref=np.nextafter, dtypes=("float64",)),
    *binary("gcd", np.gcd, INTS, low=-12, high=12),
    *binary("lcm", np.lcm, INTS, low=1, high=9),
    *unary("deg2rad", np.deg2rad, dtypes=REALS),
    *unary("rad2deg", np.rad2deg, dtypes=REALS, tolerance=LOOSE),
    *unary("conj_physical", np.conj, dtypes=NUMBERS, result="same"),
    *unary("angle", np.angle, dtypes=INEXACT + INTS, result="real_float"),
    S("threshold", (A(4, 5), 0.5, 7), ref=lambda a, t, v: np.where(a <= t, v, a), dtypes=FLOATS),
    S("hardshrink", (A(4, 5), 0.5), ref=lambda a, t: np.where(abs(a) <= t, a.dtype.type(0), a), dtypes=FLOATS),
    *unary("exp", np.exp, tolerance=LOOSE),
    *unary("exp2", np.exp2, tolerance=LOOSE),
    *unary("expm1", np.expm1, tolerance=LOOSE),
    *unary("log", np.log, low=1, high=4),
    *unary("log2", np.log2, low=1, high=4),
    *unary("log10", np.log10, low=1, high=4),
    *unary("log1p", np.log1p, low=0, high=3),
    *unary("sqrt", np.sqrt, low=1, high=4),
    *unary("rsqrt", lambda a: 1 / np.sqrt(a), low=1, high=4),
    *unary("sigmoid", lambda a: 1 / (1 + np.exp(-a)), tolerance=LOOSE),
    *binary("pow", np.power, REALS + COMPLEX, low=1, high=3, scalar=2, tolerance={**LOOSE, "complex64": (1e-4, 1e-4)}),
    S("pow", (2.0, A(4, 5)), ref=np.power, dtypes=INEXACT, tolerance=LOOSE, in_place=False),
    S("pow", (A(4, 5, low=0.5), 0.5), ref=np.power, dtypes=INEXACT),
    S("pow", (A(4, 5, low=1), -2), ref=np.power, dtypes=FLOATS),
    *binary("logaddexp", np.logaddexp, FLOATS),
    *binary("logaddexp2", np.logaddexp2, FLOATS),
    *binary("xlogy", lambda a, b: np.where(a == 0, 0, a * np.log(b)), REALS, low=1, high=3, scalar=2, result="float"),
    *unary("floor", np.floor, dtypes=REALS, result="same"),
    *unary("ceil", np.ceil, dtypes=REALS, result="same"),
    *unary("trunc", np.trunc, dtypes=REALS, result="same"),
    *unary("round", np.round, low=-5, high=5, dtypes=REALS, result="same"),
    S("round", (A(4, 5, low=-5, high=5),), {"decimals": 2}, lambda a, decimals: np.round(a, decimals), dtypes=("float32", "float64")),
    *unary("frac", lambda a: a - np.trunc(a), dtypes=FLOATS, result="same"),
    *unary("erf", vectorized(math.erf), dtypes=REALS),
    *unary("erfc", vectorized(math.erfc), dtypes=REALS),
    *unary("erfinv", vectorized(erfinv), low=-0.9, high=0.9, dtypes=FLOATS, tolerance={"float32": (1e-5, 1e-5)}),
    *unary("lgamma", vectorized(math.lgamma), low=1, high=5, dtypes=REALS, tolerance={"float32": (1e-5, 1e-5)}),
    *unary("digamma", vectorized(digamma), low=1, high=5, dtypes=REALS, tolerance={"float32": (1e-5, 1e-5)}),
    *unary("i0", bessel_i0, dtypes=REALS, tolerance=LOOSE),
    *unary("special.i0e", lambda a: bessel_i0(a) * np.exp(-np.abs(a)), dtypes=REALS, tolerance=LOOSE),
    *unary("special.i1", bessel_i1, dtypes=REALS, tolerance=LOOSE),
    *unary("special.i1e", lambda a: bessel_i1(a) * np.exp(-np.abs(a)), low=0.1, dtypes=REALS, tolerance=LOOSE),
    *unary("special.modified_bessel_i0", bessel_i0, dtypes=FLOATS[:2], grad=False, tolerance=LOOSE),
    *unary("special.modified_bessel_i1", bessel_i1, dtypes=FLOATS[:2], grad=False, tolerance=LOOSE),
    *unary("special.bessel_j0", bessel_j0, low=-9, high=9, dtypes=FLOATS[:2], grad=False, tolerance=LOOSE),
    *unary("special.bessel_j1", bessel_j1, low=-9, high=9, dtypes=FLOATS[:2], grad=False, tolerance=LOOSE),
    *known("special.bessel_y0", [1, 2], [0.08825696421567696, 0.5103756726497451]),
    *known("special.bessel_y1", [1, 2], [-0.7812128213002887, -0.10703243154093755]),
    *known("special.modified_bessel_k0", [1, 2], [0.42102443824070834, 0.11389387274953344]),
    *known("special.modified_bessel_k1", [1, 2], [0.6019072301972346, 0.13986588181652243]),
    *known("special.scaled_modified_bessel_k0", [1, 2], [0.42102443824070834 * math.e, 0.11389387274953344 * math.e**2]),
    *known("special.scaled_modified_bessel_k1", [1, 2], [0.6019072301972346 * math.e, 0.13986588181652243 * math.e**2]),
    *known("special.airy_ai", [1, -1, 2, -2, 0], [0.13529241631288141, 0.5355608832923521, 0.03492413042327438, 0.22740742820168558, 0.355028053887817239]),
    *unary("special.spherical_bessel_j0", lambda a: np.sinc(a / np.pi), dtypes=FLOATS[:2], grad=False),
    *unary("special.erfcx", lambda a: np.exp(a * a) * vectorized(math.erfc)(a), dtypes=REALS, tolerance=LOOSE),
    *unary("special.entr", lambda a: -a * np.log(a), low=1, high=3, dtypes=REALS),
    *unary("special.ndtr", ndtr, dtypes=REALS),
    *unary("special.log_ndtr", lambda a: np.log(ndtr(a)), dtypes=REALS, tolerance=LOOSE),
    *unary("special.ndtri", vectorized(statistics.NormalDist().inv_cdf), low=0.05, high=0.95, dtypes=FLOATS, tolerance={"float32": (1e-5, 1e-5)}),
    *binary("special.xlog1py", lambda a, b: a * np.log1p(b), REALS, low=1, high=3, scalar=2, result="float"),
    *binary("special.zeta", euler_maclaurin, FLOATS + INTS, low=2, high=4, result="float", grad=False),
    S("polygamma", (1, A(4, 5, low=1, high=4)), ref=lambda n, a: euler_maclaurin(np.full(a.shape, 2.0), a), dtypes=REALS, result="float", tolerance={"float32": (1e-5, 1e-5)}),
    S("polygamma", (3, A(4, 5, low=1, high=4)), ref=lambda n, a: 6 * euler_maclaurin(np.full(a.shape, 4.0), a), dtypes=FLOATS[:2], tolerance={"float32": (1e-5, 1e-5)}),
    S("polygamma", (0, A(4, 5, low=1, high=4)), ref=lambda n, a: vectorized(digamma)(a), dtypes=FLOATS[:2], grad=False, tolerance={"float32": (1e-5, 1e-5)}),
    S("mvlgamma", (A(4, 5, low=3, high=5), 3), ref=lambda a, p: 1.5 * math.log(math.pi) + sum(vectorized(math.lgamma)(a - i / 2) for i in range(p)), dtypes=REALS, result="float", tolerance=LOOSE),
    S("frexp", (A(4, 5, low=-9, high=9),), ref=np.frexp, dtypes=FLOATS, result=None, grad=False),
    *[row for kind, f in CHEBYSHEV.items() for row in degrees(f"special.chebyshev_polynomial_{kind}", f)],
    *[row for kind, f in CHEBYSHEV.items() for row in degrees(f"special.shifted_chebyshev_polynomial_{kind}", lambda x, n, f=f: f(2 * x - 1, n), low=0.1)],
    *degrees("special.hermite_polynomial_h", series("hermite")),
    *degrees("special.hermite_polynomial_he", series("hermite_e")),
    *degrees("special.laguerre_polynomial_l", series("laguerre")),
    *degrees("special.legendre_polynomial_p", series("legendre")),
    *unary("sin", np.sin),
    *unary("cos", np.cos),
    *unary("tan", np.tan, low=-1, high=1, tolerance=LOOSE),
    *unary("asin", np.arcsin, low=-0.9, high=0.9, tolerance=LOOSE),
    *unary("acos", np.arccos, low=-0.9, high=0.9, tolerance=LOOSE),
    *unary("atan", np.arctan, low=-0.9, high=0.9, tolerance=LOOSE),
    *binary("atan2", np.arctan2, REALS, low=1, high=3, result="float"),
    S("atan2", (A(20), A(20)), ref=np.arctan2, dtypes=FLOATS),
    *unary("sinh", np.sinh, tolerance=LOOSE),
    *unary("cosh", np.cosh, tolerance=LOOSE),
    *unary("tanh", np.tanh, low=-1, high=1, tolerance=LOOSE),
    *unary("asinh", np.arcsinh, low=-0.9, high=0.9, tolerance=LOOSE),
    *unary("acosh", np.arccosh, low=1.5, high=3, tolerance=LOOSE),
    *unary("atanh", np.arctanh, low=-0.9, high=0.9, tolerance=LOOSE),
    *unary("sinc", np.sinc, dtypes=FLOATS + INTS, tolerance={"float64": (1e-9, 1e-12)}),
    *unary("positive", np.positive, dtypes=NUMBERS, result="same"),
    *unary("logit", lambda a: np.log(a / (1 - a)), low=0.1, high=0.9, dtypes=FLOATS),
    S("logit", (A(4, 5, low=0, high=1), 0.2), ref=lambda a, eps: np.log(np.clip(a, eps, 1 - eps) / (1 - np.clip(a, eps, 1 - eps))), dtypes=FLOATS),
    S("nan_to_num", (V([1.0, math.nan, math.inf, -math.inf]),), {"nan": 1.0, "posinf": 2.0, "neginf": -2.0}, np.nan_to_num, dtypes=FLOATS, grad=False),
    S("nan_to_num", (A(3, 4),), ref=np.nan_to_num, dtypes=FLOATS + INTS + BOOL),
    *binary("ldexp", lambda a, b: a * np.exp2(b), FLOATS),
    S("float_power", (A(4, 5, low=1), A(5)), ref=lambda a, b: np.power(a.astype(float), b), dtypes=FLOATS + INTS, result="float64", in_place=False),
]  # fmt: skip
ROWS += aliases(
    ROWS,
    {
        "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "negative": "neg", "absolute": "abs",
        "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh", "arccosh": "acosh",
        "arctanh": "atanh", "fix": "trunc", "clip": "clamp", "special.logit": "logit", "special.multigammaln": "mvlgamma",
    },
)  # fmt: skip

ERRORS = [
    E("add", (A(3), A(4)), RuntimeError, "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0"),
    E("add", (A(3), "x"), TypeError, "add()"),
    E("add", (A(3),), TypeError, "add()"),
    E("sub", (A(3), A(3)), RuntimeError, "Subtraction, the `-` operator, with a bool tensor is not supported", "bool"),
    E("neg", (A(3),), RuntimeError, "Negation, the `-` operator, on a bool tensor is not supported", "bool"),
    E("positive", (A(3),), RuntimeError, "on a bool tensor is not supported", "bool"),
    E("floor_divide", (A(3), V([0, 1, 2])), RuntimeError, "ZeroDivisionError", "int64"),
    E("remainder", (A(3), 0), RuntimeError, "ZeroDivisionError", "int64"),
    E("clamp", (A(3),), RuntimeError, "At least one of 'min' or 'max' must not be None"),
    E("polygamma", (-1, A(3)), RuntimeError, "polygamma(n, x) does not support negative n."),
    E("mvlgamma", (A(3), 0), RuntimeError, "p has to be greater than or equal to 1"),
    E("div", (A(3), A(3)), RuntimeError, "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found 'up'", rounding_mode="up"),
    E("clamp", (A(3), 0, 1), RuntimeError, "clamp", "complex64"),
    E("floor", (A(3),), RuntimeError, "floor", "complex64"),
]

EXEMPT: dict[str, str] = {}
