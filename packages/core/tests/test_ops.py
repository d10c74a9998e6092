"""Every property that every op must have, over the table of samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import samples
import tallow
from samples import ErrorSample, Sample, map_arguments, to_numpy

FLAGS = tallow._core.op_flags
ROWS = samples.rows()

# name -> the forms that the registry has of it
METHODS: set[str] = set()
FORMS: dict[str, set[int]] = {}
for _op in tallow._core.op_table():
    _name = _op["name"] if _op["variant"] != 1 else _op["name"].removesuffix("_")
    FORMS.setdefault(_name, set()).add(_op["variant"])
    if _op["flags"] & FLAGS["METHOD"]:
        METHODS.add(_name)
IN_PLACE, OUT = 1, 2


def params(wanted: Callable[[Sample], Any]) -> list[Any]:
    return [pytest.param(r, id=r.id) for r in ROWS if wanted(r)]


def base(row: Sample) -> str:
    """The registry's name of a row's op: linalg.cross is linalg_cross."""
    return row.op.replace("linalg.", "linalg_").split(".")[-1]


def is_random(row: Sample) -> bool:
    return row.ref is None


def call(row: Sample, built: Any) -> Any:
    tallow.manual_seed(7)
    return row.call(built)


def results(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (tuple, list)) else [x]


def name_of(dtype: Any) -> str:
    return str(dtype).split(".")[-1]


def check_value(got: Any, want: Any, row: Sample, dtype: str) -> None:
    value = np.asarray(to_numpy(got))
    want = np.asarray(want)
    assert value.shape == want.shape, f"{row.id}: shape {value.shape}, expected {want.shape}"
    if isinstance(got, tallow.Tensor) and value.dtype == np.int64:  # the reference is in int64: wrap it as the op does
        want = want.astype(np.int64).astype(name_of(got.dtype)).astype(np.int64)
    rtol, atol = row.limits(dtype)
    np.testing.assert_allclose(value, want, rtol=rtol, atol=atol, err_msg=row.id)


def same(a: Any, b: Any) -> bool:
    """Equal bits but for NaN, whose payload says nothing."""
    if not isinstance(a, tallow.Tensor):
        return a == b
    return a.dtype == b.dtype and np.array_equal(to_numpy(a), to_numpy(b), equal_nan=not a.dtype == tallow.bool)


@pytest.mark.parametrize(("row", "dtype"), [pytest.param(r, d, id=f"{r.id}-{d}") for r in ROWS for d in r.dtypes])
def test_agrees_with_the_reference(row: Sample, dtype: str) -> None:
    built = row.build(dtype)
    got = call(row, built)
    wanted_dtype = row.result_dtype(dtype)
    for value in results(got):
        if wanted_dtype and isinstance(value, tallow.Tensor):
            assert name_of(value.dtype) == wanted_dtype
    if is_random(row):
        for a, b in zip(results(got), results(call(row, built)), strict=True):
            assert same(a, b), "the same seed gave other numbers"
        return
    want = row.expected(row.build(dtype))
    if isinstance(got, (tuple, list)):
        assert len(got) == len(want)
        for a, b in zip(got, want, strict=True):
            check_value(a, b, row, dtype)
    else:
        check_value(got, want, row, dtype)


def strided(t: tallow.Tensor) -> tallow.Tensor:
    """The same values with gaps between them and, for matrices, in column order."""
    if t.ndim >= 2:
        t = t.transpose(-1, -2).contiguous().transpose(-1, -2)
    return tallow.stack([t, t], -1).select(-1, 1)


@pytest.mark.parametrize("row", params(lambda r: r.strided and not is_random(r)))
def test_strides_do_not_matter(row: Sample) -> None:
    built = row.build(row.dtypes[0])
    args = map_arguments(built, strided, tallow.Tensor)
    for a, b in zip(results(row.call(args)), results(row.call(built)), strict=True):
        if isinstance(a, tallow.Tensor):
            check_value(a, to_numpy(b), row, row.dtypes[0])
        else:
            assert a == b


@pytest.mark.parametrize("row", params(lambda r: r.meta))
def test_meta_says_the_shape_and_dtype(row: Sample) -> None:
    built = row.build(row.dtypes[0])
    if not any(True for _ in tensors(built)):
        real = row.call(built)
        meta = samples.resolve(row.op)(*built[0], **built[1], device="meta")
    else:
        real = call(row, built)
        meta = row.call(map_arguments(built, lambda t: t.to("meta"), tallow.Tensor))
    for a, b in zip(results(meta), results(real), strict=True):
        if isinstance(b, tallow.Tensor):
            assert a.device.type == "meta"
            assert (tuple(a.shape), a.dtype) == (tuple(b.shape), b.dtype)


def tensors(x: Any) -> Any:
    found: list[tallow.Tensor] = []
    map_arguments(x, found.append, tallow.Tensor)
    return found


@pytest.mark.parametrize("row", params(lambda r: base(r) in METHODS and r.args))
def test_method_is_the_function(row: Sample) -> None:
    args, kwargs = row.build(row.dtypes[0])
    if not isinstance(args[0], tallow.Tensor) or "linalg" in row.op or "special" in row.op:
        pytest.skip("the first argument of this row is no tensor")
    tallow.manual_seed(7)
    got = getattr(args[0], row.op)(*args[1:], **kwargs)
    for a, b in zip(results(got), results(call(row, (args, kwargs))), strict=True):
        assert same(a, b)


@pytest.mark.parametrize("row", params(lambda r: r.in_place and IN_PLACE in FORMS.get(base(r), ())))
def test_in_place_writes_the_same(row: Sample) -> None:
    args, kwargs = row.build(row.dtypes[0])
    want = call(row, (args, kwargs))
    first = args[0] if args and isinstance(args[0], tallow.Tensor) else None
    if first is None or first.dtype != want.dtype or first.shape != want.shape:
        pytest.skip("the result does not fit into the first argument")
    method = getattr(first, row.op.split(".")[-1] + "_", None)
    if method is None:
        pytest.skip("only a function")
    tallow.manual_seed(7)
    got = method(*args[1:], **kwargs)
    assert got is first
    assert same(got, want)


@pytest.mark.parametrize("row", params(lambda r: r.out and OUT in FORMS.get(base(r), ())))
def test_out_is_filled_and_returned(row: Sample) -> None:
    built = row.build(row.dtypes[0])
    want = call(row, built)
    multiple = isinstance(want, (tuple, list))
    if not all(isinstance(w, tallow.Tensor) for w in results(want)):
        pytest.skip("the result is no tensor")
    for shape in ("same", "empty", "strided"):
        outs = []
        for w in results(want):
            if shape == "empty":
                outs.append(tallow.empty([0], dtype=w.dtype))
            else:
                outs.append(tallow.zeros_like(w) if shape == "same" else strided(tallow.zeros_like(w)))
        tallow.manual_seed(7)
        got = samples.resolve(row.op)(*built[0], **built[1], out=tuple(outs) if multiple else outs[0])
        for g, o, w in zip(results(got), outs, results(want), strict=True):
            assert same(o, w), f"out= ({shape}) holds other values"
            assert g is o


@pytest.mark.parametrize("row", params(lambda r: r.big is not None))
def test_one_thread_or_two_give_the_same_bits(row: Sample) -> None:
    before = tallow.get_num_threads()
    try:
        seen = []
        for threads in (1, 2):
            tallow.set_num_threads(threads)
            seen.append(results(call(row, row.build(row.dtypes[0], big=True))))
    finally:
        tallow.set_num_threads(before)
    for a, b in zip(*seen, strict=True):
        assert same(a, b)


@pytest.mark.parametrize("row", [pytest.param(e, id=f"{e.op}-{i}") for i, e in enumerate(samples.errors())])
def test_what_cannot_be_done_says_why(row: ErrorSample) -> None:
    args, kwargs = row.build()
    with pytest.raises(row.error) as caught:
        samples.resolve(row.op)(*args, **kwargs)
    assert row.message in str(caught.value)


def test_every_public_op_has_a_row() -> None:
    covered = {base(r) for r in ROWS} | set(samples.exempt())
    missing = []
    for op in tallow._core.op_table():
        if op["variant"] != 0 or op["flags"] & FLAGS["HIDDEN"] or op["ns"] not in ("", "special"):
            continue
        name = op["name"]
        if name.startswith("_") or name in covered:
            continue
        if name.endswith("_") and name[:-1] in covered:  # the in-place form of an alias
            continue
        missing.append(name)
    assert not missing, f"ops without a row of samples: {sorted(set(missing))}"


def test_no_row_is_for_an_op_that_is_gone() -> None:
    for row in ROWS:
        assert callable(samples.resolve(row.op))


