"""Samples of the families reduce, cumulative and sort."""

from __future__ import annotations

import tallow
from samples import row

_DEVIATIONS = [
    *(
        row(f"{n}.correction", lambda x, n=n: getattr(tallow, n)(x), (2, 3))
        for n in ("var", "std", "var_mean", "std_mean")
    ),
    *(
        row(f"{n}.correction", lambda x, n=n: getattr(tallow, n)(x, dim=1, correction=0, keepdim=True), (2, 3))
        for n in ("var", "std", "var_mean", "std_mean")
    ),
    row("std_mean.correction", lambda x: tallow.std_mean(x, dim=0)[1], (2, 3)),
]

REDUCE = [
    row("sum", lambda x: x.sum(), (2, 3), kinds="rc"),
    row("sum", lambda x: x.sum(), (), kinds="rc"),
    row("sum", lambda x: x.sum(1), (2, 3), kinds="rc"),
    row("sum", lambda x: x.sum((0, 2), keepdim=True), (2, 3, 2)),
    row("nansum", lambda x: x.nansum(-1), (2, 3)),
    row("mean", lambda x: x.mean(), (2, 3), kinds="rc"),
    row("mean", lambda x: x.mean((0, -1)), (2, 3, 2)),
    row("prod", lambda x: x.prod(), (2, 3), kinds="r"),
    row("prod", lambda x: x.prod(1, keepdim=True), (2, 3)),
    row("prod", lambda x: (x * tallow.tensor([1.0, 0.0, 1.0])).prod(1), (2, 3)),
    row("amax", lambda x: x.amax(), (2, 3), distinct=True),
    row("amax", lambda x: x.amax(1), (2, 3), distinct=True),
    row("amin", lambda x: x.amin((0, 1), keepdim=True), (2, 3), distinct=True),
    row("aminmax", lambda x: tuple(tallow.aminmax(x, dim=1)), (2, 3), distinct=True),
    row("aminmax", lambda x: tallow.aminmax(x)[0], (2, 3), distinct=True),
    row("max", lambda x: x.max(), (2, 3), distinct=True),
    row("min", lambda x: x.min(), (2, 3), distinct=True),
    row("max.dim", lambda x: x.max(1).values, (2, 3), distinct=True),
    row("min.dim", lambda x: x.min(0, keepdim=True).values, (2, 3), distinct=True),
    row("median", lambda x: x.median(), (5,), distinct=True),
    row("nanmedian", lambda x: x.nanmedian(), (5,), distinct=True),
    row("median.dim", lambda x: x.median(0).values, (3, 2), distinct=True),
    row("nanmedian.dim", lambda x: x.nanmedian(1).values, (2, 3), distinct=True),
    row("mode", lambda x: x.mode(1).values, (2, 3), distinct=True),
    *_DEVIATIONS,
    *(
        row(
            "linalg_vector_norm",
            lambda x, p=p: tallow.linalg_vector_norm(x, p),
            (2, 3),
            distinct=True,
            kinds="r",
            low=0.2,
        )
        for p in (0, 1, 2, 3, 1.5, 0.5, float("inf"), float("-inf"))
    ),
    row("linalg_vector_norm", lambda x: tallow.norm(x, 2, dim=1, keepdim=True), (2, 3), kinds="rc"),
    row("linalg_vector_norm", lambda x: x.norm(), (2, 3), kinds="rc"),
    row("logsumexp", lambda x: x.logsumexp(1), (2, 3)),
    row("logsumexp", lambda x: x.logsumexp((0, 1), keepdim=True), (2, 3)),
    row("_softmax _softmax_backward_data", lambda x: x.softmax(1), (2, 3)),
    row("_log_softmax _log_softmax_backward_data", lambda x: x.log_softmax(0), (2, 3)),
]

CUMULATIVE = [
    row("cumsum", lambda x: x.cumsum(1), (2, 3), kinds="rc"),
    row("cumsum", lambda x: x.cumsum(0), ()),
    row("cumprod", lambda x: x.cumprod(1), (2, 3), kinds="r"),
    row("cumprod", lambda x: (x * tallow.tensor([1.0, 0.0, 1.0])).cumprod(1), (2, 3)),
    row("cummax", lambda x: x.cummax(1).values, (2, 4), distinct=True),
    row("cummin", lambda x: x.cummin(0).values, (3, 2), distinct=True),
    row("logcumsumexp", lambda x: x.logcumsumexp(1), (2, 3)),
]

SORT = [
    row("sort", lambda x: x.sort(1, descending=True).values, (2, 4), distinct=True),
    row("sort", lambda x: x.sort(0).values, (), distinct=True),
    row("topk", lambda x: x.topk(2, 1).values, (2, 4), distinct=True),
    row("kthvalue", lambda x: x.kthvalue(2, 1).values, (2, 4), distinct=True),
    row("kthvalue", lambda x: x.kthvalue(2, 0, keepdim=True).values, (3, 2), distinct=True),
]

ROWS = REDUCE + CUMULATIVE + SORT
