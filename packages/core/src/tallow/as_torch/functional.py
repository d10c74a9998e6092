"""``torch.functional``: the functions of ``torch`` that are written in Python there."""

from __future__ import annotations

from typing import Any

import tallow

_NAMES = (
    "align_tensors", "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes", "broadcast_tensors",
    "cartesian_prod", "cdist", "chain_matmul", "einsum", "istft", "lu", "meshgrid", "norm", "split", "stft",
    "tensordot", "unique", "unique_consecutive", "unravel_index",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "F":
        return tallow.nn.functional
    if name in _NAMES:
        return getattr(tallow, name)
    raise AttributeError(f"module 'tallow.as_torch.functional' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*_NAMES, "F"]
