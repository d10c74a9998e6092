"""Large arrays: memory bandwidth, vector units, matrix products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import Context, workload

TEN_MILLION = 10_000_000


@workload("add.fresh")
def add_fresh(context: Context) -> Callable[[], Any]:
    """a + b of 10 million floats into fresh memory"""
    a, b = context.lib.rand(TEN_MILLION), context.lib.rand(TEN_MILLION)
    return lambda: a + b


@workload("add.out")
def add_out(context: Context) -> Callable[[], Any]:
    """add(a, b, out=c) of 10 million floats"""
    a, b, c = (context.lib.rand(TEN_MILLION) for _ in range(3))
    return lambda: context.lib.add(a, b, out=c)


@workload("add.broadcast")
def add_broadcast(context: Context) -> Callable[[], Any]:
    """a (2000, 1000) + b (1000)"""
    a, b = context.lib.rand(2000, 1000), context.lib.rand(1000)
    return lambda: a + b


@workload("copy.transposed")
def copy_transposed(context: Context) -> Callable[[], Any]:
    """a.t().contiguous() of 2000 x 1000"""
    a = context.lib.rand(2000, 1000)
    return lambda: a.t().contiguous()


def _unary(name: str) -> None:
    def prepare(context: Context) -> Callable[[], Any]:
        return getattr(context.lib.rand(1_000_000), name)

    prepare.__doc__ = f"{name} of a million floats"
    workload(f"unary.{name}")(prepare)


for _name in ("exp", "log", "sin", "tanh", "sigmoid", "erf", "sqrt"):
    _unary(_name)


def _reduction(name: str, text: str, call: Callable[[Any], Any]) -> None:
    def prepare(context: Context) -> Callable[[], Any]:
        x = context.lib.rand(2000, 1000)
        return lambda: call(x)

    prepare.__doc__ = f"x.{text} of 2000 x 1000"
    workload(f"reduce.{name}")(prepare)


_reduction("sum", "sum()", lambda x: x.sum())
_reduction("sum_rows", "sum(1)", lambda x: x.sum(1))
_reduction("sum_columns", "sum(0)", lambda x: x.sum(0))
_reduction("max_rows", "max(1)", lambda x: x.max(1))
_reduction("var_rows", "var(1)", lambda x: x.var(1))
_reduction("argmax", "argmax(1)", lambda x: x.argmax(1))
_reduction("cumsum", "cumsum(1)", lambda x: x.cumsum(1))
_reduction("sort", "sort(1)", lambda x: x.sort(1))


@workload("softmax")
def softmax(context: Context) -> Callable[[], Any]:
    """softmax of the rows of 2000 x 1000"""
    x = context.lib.randn(2000, 1000)
    return lambda: x.softmax(1)


def _gemm(side: int) -> None:
    def prepare(context: Context) -> Callable[[], Any]:
        a, b = context.lib.rand(side, side), context.lib.rand(side, side)
        return lambda: a @ b

    prepare.__doc__ = f"a @ b of two {side} x {side} float matrices"
    workload(f"gemm.{side}")(prepare)


for _side in (64, 256, 1024, 2048):
    _gemm(_side)


@workload("bmm")
def bmm(context: Context) -> Callable[[], Any]:
    """64 products of 64 x 64"""
    a, b = context.lib.rand(64, 64, 64), context.lib.rand(64, 64, 64)
    return lambda: context.lib.bmm(a, b)


@workload("conv")
def conv(context: Context) -> Callable[[], Any]:
    """conv2d: 16 images of 32 x 28 x 28, 64 filters of 3 x 3"""
    x, w, b = context.lib.rand(16, 32, 28, 28), context.lib.rand(64, 32, 3, 3), context.lib.rand(64)
    conv2d = context.module("nn.functional").conv2d
    return lambda: conv2d(x, w, b, padding=1)
