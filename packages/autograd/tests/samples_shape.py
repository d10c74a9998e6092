"""Samples of the shape family."""

from __future__ import annotations

import tallow
from samples import row

VIEWS = [
    row("view", lambda x: x.view(3, 2), (2, 3), kinds="rc"),
    row("expand", lambda x: x.expand(4, 2, 3), (2, 1), kinds="rc"),
    row("permute", lambda x: x.permute(2, 0, 1), (2, 3, 2)),
    row("transpose", lambda x: x.transpose(0, -1), (2, 3)),
    row("squeeze", lambda x: x.squeeze(), (2, 1, 3)),
    row("squeeze.dim", lambda x: x.squeeze(1), (2, 1, 3)),
    row("squeeze.dims", lambda x: x.squeeze((0, 2)), (1, 3, 1)),
    row("unsqueeze", lambda x: x.unsqueeze(-1), (2, 3)),
    row("select", lambda x: x.select(1, -1), (2, 3), kinds="rc"),
    row("select", lambda x: x[1, 0], (2, 3)),
    row("slice", lambda x: x[:, 1:4:2], (2, 5)),
    row("slice", lambda x: x[1:], (3,)),
    row("as_strided", lambda x: x.as_strided((2, 2), (1, 2), 1), (6,)),
    row("as_strided", lambda x: x.as_strided((3, 2), (1, 1), 0), (4,)),
    row("diagonal", lambda x: x.diagonal(1), (3, 4)),
    row("unfold", lambda x: x.unfold(1, 3, 2), (2, 7)),
    row("alias", lambda x: tallow.ops.core.alias(x), (3,)),
    row("split_with_sizes", lambda x: x.split([1, 2], 1), (2, 3)),
    row("split_with_sizes", lambda x: x.split(2)[0], (3, 2)),
    row("split_with_sizes", lambda x: x.chunk(2, 1), (2, 3)),
    row("unbind", lambda x: x.unbind(1), (2, 3)),
    row("unbind", lambda x: x.unbind()[1], (2, 3)),
]

IN_PLACE = [
    row("transpose_", lambda x: (x * 1).transpose_(0, 1), (2, 3)),
    row("swapaxes_", lambda x: (x * 1).swapaxes_(0, 1), (2, 3)),
    row("swapdims_", lambda x: (x * 1).swapdims_(0, 1), (2, 3)),
    row("t_", lambda x: (x * 1).t_(), (2, 3)),
    row("squeeze_", lambda x: (x * 1).squeeze_(), (2, 1)),
    row("squeeze_.dim", lambda x: (x * 1).squeeze_(1), (2, 1)),
    row("squeeze_.dims", lambda x: (x * 1).squeeze_((1,)), (2, 1)),
    row("unsqueeze_", lambda x: (x * 1).unsqueeze_(1), (2,)),
    row("as_strided_", lambda x: (x * 1).as_strided_((2, 2), (1, 2), 1), (6,)),
]

COPIES = [
    row("cat", lambda x, y: tallow.cat([x, y], 1), (2, 3), (2, 1), kinds="rc"),
    row("cat", lambda x: tallow.cat([x, x]), (2,)),
    row("stack", lambda x, y: tallow.stack([x, y], 1), (2, 3), (2, 3)),
    row("flip", lambda x: x.flip(0, 1), (2, 3)),
    row("tril", lambda x: x.tril(1), (3, 3)),
    row("triu", lambda x: x.triu(), (3, 3)),
    row("select_scatter", lambda x, s: tallow.select_scatter(x, s, 0, 1), (3, 2), (2,)),
    row("slice_scatter", lambda x, s: tallow.slice_scatter(x, s, 1, 0, 4, 2), (2, 5), (2, 2)),
    row("diagonal_scatter", lambda x, s: tallow.diagonal_scatter(x, s), (3, 4), (3,)),
    row("as_strided_scatter", lambda x, s: tallow.as_strided_scatter(x, s, (2, 2), (1, 2), 1), (6,), (2, 2)),
]

COMPOSITE = [
    row("reshape", lambda x: x.t().reshape(-1), (2, 3)),
    row("roll", lambda x: x.roll((1, 2), (0, 1)), (2, 3)),
    row("rot90", lambda x: x.rot90(1), (2, 3)),
    row("repeat", lambda x: x.repeat(2, 1, 2), (2, 3)),
    row("tile", lambda x: x.tile((2,)), (2, 3)),
    row("repeat_interleave", lambda x: x.repeat_interleave(2, 0), (2, 3)),
    row("diag_embed", lambda x: x.diag_embed(), (2, 3)),
    row("diag", lambda x: x.diag(), (3,)),
    row("trace", lambda x: x.trace(), (3, 4)),
    row("block_diag", lambda x, y: tallow.block_diag([x, y]), (2, 2), (1, 3)),
    row("hstack", lambda x, y: tallow.hstack([x, y]), (2, 3), (2, 1)),
    row("meshgrid", lambda x, y: tallow.meshgrid([x, y], indexing="ij"), (2,), (3,)),
    row("movedim", lambda x: x.movedim(0, -1), (2, 3, 2)),
    row("flatten", lambda x: x.flatten(1), (2, 3, 2)),
    row("narrow", lambda x: x.narrow(1, 1, 2), (2, 4)),
    row("fill_diagonal_", lambda x: (x * 1).fill_diagonal_(2.0), (3, 3)),
]

ROWS = VIEWS + IN_PLACE + COPIES + COMPOSITE
