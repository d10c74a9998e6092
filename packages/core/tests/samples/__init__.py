"""The table of op samples: one row per op and case, from which the tests of every property are driven.

A row names an op, says how to build its arguments, and carries a reference in NumPy. Nothing here needs pytest, so
other packages' tests (gradients) read the same rows.

    >>> row = rows("pointwise")[0]
    >>> args = row.build("float32")
    >>> result = row.call(args)
"""

from __future__ import annotations

import dataclasses
import importlib
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import tallow

HALVES = ("float16", "bfloat16")
FLOATS = ("float32", "float64", *HALVES)
COMPLEX = ("complex64", "complex128")
INTS = ("int64", "int32", "int16", "int8", "uint8")
BOOL = ("bool",)
INEXACT = FLOATS + COMPLEX
REALS = FLOATS + INTS
ALL = REALS + COMPLEX + BOOL
FLOATING = ("float32", "float64")  # for what has no half precision

FAMILIES = (
    "pointwise", "compare", "reduce", "shape", "index", "linalg", "linalg_factors", "fft", "sort", "cumulative",
    "random", "factory", "sparse",
)  # fmt: skip

TOLERANCE = {
    "float16": (1e-3, 1e-3),
    "bfloat16": (1.6e-2, 1e-2),
    "float32": (2e-6, 1e-5),
    "float64": (1e-9, 1e-9),
    "complex64": (2e-6, 1e-5),
    "complex128": (1e-9, 1e-9),
}


@dataclasses.dataclass(frozen=True)
class Argument:
    """A tensor to build: uniform values of [low, high], or evenly spaced ones in random order, or the given values."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    dtype: str | None = None  # None: the dtype under test
    distinct: bool = False
    values: Any = None

    def array(self, dtype: str, seed: int) -> np.ndarray:
        dtype = self.dtype or dtype
        if self.values is not None:
            return np.asarray(self.values, dtype="float32" if dtype in HALVES else dtype)
        rng = np.random.default_rng(seed)
        n = int(np.prod(self.shape))
        if dtype == "bool":
            flat = rng.integers(0, 2, n).astype(bool)
        elif self.distinct:
            flat = rng.permutation(np.linspace(self.low, self.high, max(n, 1))[:n])
            if not dtype.startswith(("float", "bfloat", "complex")):
                flat = rng.permutation(np.arange(n))
        elif dtype.startswith(("float", "bfloat")):
            flat = rng.uniform(self.low, self.high, n)
        elif dtype.startswith("complex"):
            flat = rng.uniform(self.low, self.high, n) + 1j * rng.uniform(self.low, self.high, n)
        else:
            low = max(int(np.ceil(self.low)), 0) if dtype.startswith("uint") else int(np.ceil(self.low))
            flat = rng.integers(low, max(int(np.floor(self.high)), low) + 1, n)
        return np.asarray(flat).astype("float32" if dtype in HALVES else dtype).reshape(self.shape)

    def tensor(self, dtype: str, seed: int) -> tallow.Tensor:
        return tallow.tensor(self.array(dtype, seed)).to(getattr(tallow, self.dtype or dtype))


def A(*shape: int, **options: Any) -> Argument:
    """A tensor of the dtype under test."""
    return Argument(shape, **options)


def I(*shape: int, high: int, low: int = 0) -> Argument:  # noqa: E743
    """An int64 tensor with values of [low, high)."""
    return Argument(shape, low, high - 1, dtype="int64")


def B(*shape: int) -> Argument:
    """A bool tensor."""
    return Argument(shape, dtype="bool")


def V(values: Any, dtype: str | None = None) -> Argument:
    """A tensor with these values."""
    return Argument(np.asarray(values).shape, values=values, dtype=dtype)


def map_arguments(x: Any, f: Callable[[Any], Any], kind: type) -> Any:
    """Applies f to everything of a kind in nested lists, tuples and dicts."""
    if isinstance(x, kind):
        return f(x)
    if type(x) in (list, tuple):
        return type(x)(map_arguments(v, f, kind) for v in x)
    if isinstance(x, dict):
        return {k: map_arguments(v, f, kind) for k, v in x.items()}
    return x


def to_numpy(t: Any) -> Any:
    """The values in the widest dtype of their kind, so that a reference does not round."""
    if not isinstance(t, tallow.Tensor):
        return t
    if t.dtype == tallow.bool:
        return t.numpy()
    if t.is_complex():
        return t.to(tallow.complex128).numpy()
    return t.to(tallow.float64 if t.is_floating_point() else tallow.int64).numpy()


def resolve(op: str) -> Callable[..., Any]:
    """The public callable: ``tallow.add``, ``tallow.special.logit``, or the method where there is no function."""
    where: Any = tallow
    for part in op.split("."):
        found = getattr(where, part, None)
        where = found if found is not None else getattr(tallow.Tensor, part)
    return where


@dataclasses.dataclass
class Sample:
    """One case of one op."""

    op: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    ref: Callable[..., Any] | None
    dtypes: tuple[str, ...] = FLOATS
    result: str | None = "same"  # dtype of the result: same, float, bool, int64, real, or None for unchecked
    tolerance: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    grad: bool = True  # whether the derivative exists at these arguments
    gradgrad: bool = True
    meta: bool = True  # False where the shape of the result depends on values
    strided: bool = True  # False where the result depends on the layout of the arguments
    in_place: bool = True
    out: bool = True
    big: tuple[Any, ...] | None = None  # arguments large enough for several threads
    family: str = ""
    number: int = 0

    @property
    def id(self) -> str:
        return f"{self.op}-{self.number}"

    def build(self, dtype: str, big: bool = False) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Fresh arguments; the same values every time."""
        counter = iter(range(1 << 20))
        seed = zlib.crc32(self.id.encode())

        def make(a: Argument) -> tallow.Tensor:
            return a.tensor(dtype, seed + next(counter))

        args = self.big if big and self.big is not None else self.args
        return map_arguments(args, make, Argument), map_arguments(self.kwargs, make, Argument)

    def call(self, built: tuple[tuple[Any, ...], dict[str, Any]]) -> Any:
        return resolve(self.op)(*built[0], **built[1])

    def expected(self, built: tuple[tuple[Any, ...], dict[str, Any]]) -> Any:
        assert self.ref is not None
        args, kwargs = map_arguments(built, to_numpy, tallow.Tensor)
        with np.errstate(all="ignore"):
            return self.ref(*args, **kwargs)

    def result_dtype(self, dtype: str) -> str | None:
        inexact = dtype.startswith(("float", "bfloat", "complex"))
        real = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
        return {
            "same": dtype,
            "float": dtype if inexact else "float32",
            "real": real,
            "real_float": real if inexact else "float32",
            "sum": dtype if inexact else "int64",
            None: None,
        }.get(self.result, self.result)

    def limits(self, dtype: str) -> tuple[float, float]:
        return self.tolerance.get(dtype, TOLERANCE.get(dtype, (2e-6, 1e-5)))


def S(
    op: str, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None, ref: Any = None, **options: Any
) -> Sample:
    """A row."""
    return Sample(op, args, kwargs or {}, ref, **options)


@dataclasses.dataclass
class ErrorSample:
    """A call that must fail, with the type of the exception and a part of its message."""

    op: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    error: type[BaseException]
    message: str
    dtype: str = "float32"

    def build(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        def make(a: Argument) -> tallow.Tensor:
            return a.tensor(self.dtype, 0)

        return map_arguments(self.args, make, Argument), map_arguments(self.kwargs, make, Argument)


def E(
    op: str, args: tuple[Any, ...], error: type[BaseException], message: str, dtype: str = "float32", **kwargs: Any
) -> ErrorSample:
    """A row of a call that fails."""
    return ErrorSample(op, args, kwargs, error, message, dtype)


def aliases(of: Iterable[Sample], names: dict[str, str]) -> list[Sample]:
    """The first row of each op again, under its second name."""
    first: dict[str, Sample] = {}
    for row in of:
        first.setdefault(row.op, row)
    return [dataclasses.replace(first[target], op=name) for name, target in names.items()]


_rows: dict[str, list[Sample]] = {}


def _module(family: str) -> Any:
    return importlib.import_module(f"{__name__}.{family}")


def rows(*families: str) -> list[Sample]:
    """The rows of the families, of all of them if none is named."""
    out: list[Sample] = []
    for family in families or FAMILIES:
        if family not in _rows:
            count: dict[str, int] = {}
            for row in _module(family).ROWS:
                row.family, row.number = family, count.get(row.op, 0)
                count[row.op] = row.number + 1
            _rows[family] = _module(family).ROWS
        out += _rows[family]
    return out


def errors(*families: str) -> list[ErrorSample]:
    """The rows of calls that must fail."""
    return [e for family in families or FAMILIES for e in getattr(_module(family), "ERRORS", [])]


def exempt() -> dict[str, str]:
    """Ops without a row, each with the reason."""
    out: dict[str, str] = {}
    for family in FAMILIES:
        out.update(getattr(_module(family), "EXEMPT", {}))
    return out
