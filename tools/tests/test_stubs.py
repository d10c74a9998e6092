"""Schemas as Python signatures."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from stub_types import parse_schema


@pytest.mark.parametrize(
    ("schema", "method", "expected"),
    [
        (
            "add(Tensor self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor",
            True,
            ["def f(self, other: Tensor | _number, *, alpha: _number = ...) -> Tensor: ..."],
        ),
        (
            "view(Tensor self, int[] size) -> Tensor",
            True,
            ["def f(self, size: _int | Sequence[_int]) -> Tensor: ...", "def f(self, *size: _int) -> Tensor: ..."],
        ),
        (
            "zeros(int[2] size, *, dtype? dtype=None) -> Tensor",
            False,
            [
                "def f(size: _int | Sequence[_int], *, dtype: _dtype | None = ...) -> Tensor: ...",
                "def f(*size: _int, dtype: _dtype | None = ...) -> Tensor: ...",
            ],
        ),
        ("zero_(Tensor(a!) self) -> Tensor(a!)", False, ["def f(self: Tensor) -> Tensor: ..."]),
        (
            "x(Tensor?[] indices, str mode='a,b') -> (Tensor values, Tensor[] rest)",
            False,
            ["def f(indices: Sequence[Tensor | None], mode: _str = ...) -> tuple[Tensor, tuple[Tensor, ...]]: ..."],
        ),
        ("n(int n) -> ()", False, ["def f(n: _int) -> None: ..."]),
        ("a.out(Tensor x, *, Tensor(a!) out) -> Tensor", False, ["def f(x: Tensor, *, out: Tensor) -> Tensor: ..."]),
    ],
)
def test_signature(schema, method, expected):
    assert parse_schema(schema).render("f", method=method) == expected
