"""The `reduction` argument of losses, as a name and as the number that the ops take."""

from __future__ import annotations

import warnings

_CODES = {"none": 0, "mean": 1, "sum": 2}


def reduction_code(reduction: str) -> int:
    """0 for "none", 1 for "mean", 2 for "sum"; ValueError for anything else."""
    code = _CODES.get(reduction)
    if code is None:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return code


#: The name under which programs look it up: ``functional._Reduction.get_enum``.
get_enum = reduction_code


def resolved_code(size_average: bool | None, reduce: bool | None, reduction: str) -> int:
    """The number of `reduction`, unless the old pair of arguments says otherwise."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction)
    return reduction_code(reduction)


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str = "mean") -> str:
    """The reduction that the old pair of arguments `size_average` and `reduce` stands for, with a warning."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        reduction = "none"
    else:
        reduction = "sum" if size_average is False else "mean"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.", stacklevel=3
    )
    return reduction
