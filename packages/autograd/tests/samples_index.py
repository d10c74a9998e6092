"""Samples of the families index and linalg."""

from __future__ import annotations

import tallow
from samples import int64, mask, row

INDEX = [
    row("index", lambda x: x[int64([0, 2, 0])], (3, 2), kinds="rc"),
    row("index", lambda x: x[int64([0, 1]), int64([1, 1])], (3, 2)),
    row("index", lambda x: x[:, mask([True, False, True])], (2, 3)),
    row("index_put", lambda x, v: tallow.index_put(x, (int64([0, 2]),), v), (3, 2), (2, 2)),
    row("index_put", lambda x, v: tallow.index_put(x, (int64([0, 0]),), v, accumulate=True), (3, 2), (2, 2)),
    row("index_put", lambda x, v: (x * 1).index_put_((int64([0, 2]),), v), (3, 2), (2,)),
    row("index_select", lambda x: x.index_select(1, int64([0, 2, 0])), (2, 3)),
    row("index_add", lambda x, s: x.index_add(0, int64([0, 2, 0]), s, alpha=2), (3, 2), (3, 2)),
    row("index_copy", lambda x, s: x.index_copy(0, int64([0, 2]), s), (3, 2), (2, 2)),
    row("index_fill", lambda x: x.index_fill(0, int64([0, 2]), 1.5), (3, 2)),
    row("index_fill", lambda x, v: x.index_fill(0, int64([0, 2]), v), (3, 2), ()),
    *(
        row(
            "index_reduce",
            lambda x, s, how=how: x.index_reduce(0, int64([0, 2, 0]), s, how),
            (3, 2),
            (3, 2),
            distinct=True,
        )
        for how in ("prod", "mean", "amax", "amin")
    ),
    row("gather", lambda x: x.gather(1, int64([[0, 0], [2, 1]])), (2, 3)),
    row("scatter.src", lambda x, s: x.scatter(1, int64([[0, 1], [2, 1]]), s), (2, 3), (2, 2)),
    row("scatter.value", lambda x: x.scatter(1, int64([[0, 1], [2, 1]]), 2.5), (2, 3)),
    row("scatter.reduce", lambda x, s: x.scatter(1, int64([[0, 0], [2, 1]]), s, reduce="add"), (2, 3), (2, 2)),
    row(
        "scatter.reduce",
        lambda x, s: x.scatter(1, int64([[0, 0], [2, 1]]), s, reduce="multiply"),
        (2, 3),
        (2, 2),
    ),
    row("scatter.value_reduce", lambda x: x.scatter(1, int64([[0, 1], [2, 1]]), 2.5, reduce="multiply"), (2, 3)),
    row("scatter.value_reduce", lambda x: x.scatter(1, int64([[0, 1], [2, 1]]), 2.5, reduce="add"), (2, 3)),
    row("scatter_add", lambda x, s: x.scatter_add(1, int64([[0, 0], [2, 1]]), s), (2, 3), (2, 2)),
    *(
        row(
            "scatter_reduce",
            lambda x, s, how=how, include=include: x.scatter_reduce(
                1, int64([[0, 0], [2, 1]]), s, how, include_self=include
            ),
            (2, 3),
            (2, 2),
            distinct=True,
        )
        for how in ("sum", "prod", "mean", "amax", "amin")
        for include in (True, False)
    ),
    row("masked_fill", lambda x: x.masked_fill(mask([True, False, True]), 2.0), (2, 3)),
    row("masked_fill", lambda x, v: x.masked_fill(mask([True, False, True]), v), (2, 3), ()),
    row("masked_select", lambda x: x.masked_select(mask([True, False, True])), (2, 3)),
    row("masked_scatter", lambda x, s: x.masked_scatter(mask([True, False, True]), s), (2, 3), (5,)),
    row("take", lambda x: x.take(int64([0, 4, 0])), (2, 3)),
    row("put", lambda x, s: x.put(int64([0, 4]), s), (2, 3), (2,)),
    row("put", lambda x, s: x.put(int64([0, 0]), s, accumulate=True), (2, 3), (2,)),
]

LINALG = [
    row("cdist", lambda x, y: tallow.cdist(x, y), (2, 3, 2), (2, 4, 2), twice=False),
    row("mm", lambda x, y: x.mm(y), (2, 3), (3, 2), kinds="rc"),
    row("bmm", lambda x, y: x.bmm(y), (2, 2, 3), (2, 3, 2), kinds="rc"),
    row("mv", lambda x, y: x.mv(y), (2, 3), (3,), kinds="rc"),
    row("dot", lambda x, y: x.dot(y), (3,), (3,), kinds="rc"),
    row("vdot", lambda x, y: tallow.vdot(x, y), (3,), (3,), kinds="rc"),
    row("outer", lambda x, y: x.outer(y), (2,), (3,), kinds="rc"),
    row("addmm", lambda x, a, b: tallow.addmm(x, a, b, beta=0.5, alpha=2), (2,), (3, 2), (2, 2), kinds="rc"),
    row(
        "baddbmm",
        lambda x, a, b: tallow.baddbmm(x, a, b, beta=0.5, alpha=2),
        (2, 3, 2),
        (2, 3, 2),
        (2, 2, 2),
        kinds="rc",
    ),
    *(
        row("matmul", lambda x, y: x @ y, a, b, kinds="rc")
        for a, b in (
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3, 2)),
            ((2, 2, 3), (3, 2)),
            ((2, 2, 3), (3,)),
            ((3,), (2, 3, 2)),
            ((2, 3), (2, 3, 2)),
            ((2, 1, 2, 3), (3, 3, 2)),
        )
    ),
    row("addmv", lambda x, a, b: tallow.addmv(x, a, b, beta=0.5, alpha=2), (2,), (2, 3), (3,)),
    row("addr", lambda x, a, b: tallow.addr(x, a, b, beta=0.5, alpha=2), (2, 3), (2,), (3,)),
    row("addbmm", lambda x, a, b: tallow.addbmm(x, a, b), (3, 2), (2, 3, 2), (2, 2, 2)),
    row("kron", lambda x, y: tallow.kron(x, y), (2, 2), (1, 2)),
    row("inner", lambda x, y: tallow.inner(x, y), (2, 3), (2, 3)),
]

ROWS = INDEX + LINALG
