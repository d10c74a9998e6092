# ruff: noqa: E501 - a row of a table is a line
"""Rows of random ops. Values have no reference: shape, dtype, reproducibility and threads are checked here, the
distributions in tests/random."""

from __future__ import annotations

from typing import Any

from . import FLOATS, A, E, S, Sample, V

ANY: dict[str, Any] = dict(grad=False, dtypes=("float32",), result=None)

ROWS: list[Sample] = [
    S("rand", ([3, 4],), big=([300, 1111],), **ANY),
    S("randn", ([3, 4],), big=([300, 1111],), **ANY),
    S("randint", (10, [3, 4]), big=(1000, [300, 1111]), **ANY),
    S("randint", (-5, 10, [3, 4]), **ANY),
    S("randperm", (10,), big=(100000,), **ANY),
    S("rand_like", (A(3, 4),), dtypes=FLOATS, grad=False, big=(A(300, 1111),)),
    S("randn_like", (A(3, 4),), dtypes=FLOATS, grad=False, big=(A(300, 1111),)),
    S("randint_like", (A(3, 4), 10), dtypes=FLOATS, grad=False),
    S("normal", (A(3, 4), 2.0), dtypes=FLOATS, grad=False),
    S("normal", (0.0, 2.0, [3, 4]), **ANY),
    S("bernoulli", (A(3, 4, low=0, high=1),), dtypes=FLOATS, grad=False, big=(A(300, 1111, low=0, high=1),)),
    S("poisson", (A(3, 4, low=0, high=20),), dtypes=FLOATS, grad=False, big=(A(200, 300, low=0, high=20),)),
    S("multinomial", (A(3, 4, low=0.1, high=1), 2), dtypes=FLOATS, grad=False, result="int64"),
    S("multinomial", (A(5, low=0.1, high=1), 9, True), dtypes=FLOATS, grad=False, result="int64"),
]  # fmt: skip

ERRORS = [
    E("randint", (5, 5, [2]), RuntimeError, "random_ expects 'from' to be less than 'to', but got from=5 >= to=5"),
    E("multinomial", (V([0.5, 0.5]), 3), RuntimeError, "cannot sample n_sample > prob_dist.size(-1) samples without replacement"),
    E("multinomial", (V([-0.5, 0.5]), 1), RuntimeError, "probability tensor contains either `inf`, `nan` or element < 0"),
    E("randperm", (-1,), RuntimeError, "n must be non-negative, got -1"),
    E("bernoulli", (A(3), 1.5), RuntimeError, "bernoulli_ expects p to be in [0, 1], but got p=1.5"),
    E("normal", (A(3), -1.0), RuntimeError, "normal expects std >= 0.0, but found std -1"),
]

EXEMPT = {
    name: "only in place: tests/random covers it"
    for name in ("uniform_", "normal_", "exponential_", "geometric_", "cauchy_", "log_normal_", "bernoulli_", "random_")
}
