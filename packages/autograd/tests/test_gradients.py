"""Every rule against finite differences, once and twice."""

from __future__ import annotations

import pytest

from samples import Row, all_rows
from tallow.autograd import gradcheck, gradgradcheck

ROWS = all_rows()
CASES = [pytest.param(r, k, id=f"{i}-{r.names[0]}-{k}") for i, r in enumerate(ROWS) for k in r.kinds]


@pytest.mark.parametrize(("row", "kind"), CASES)
def test_first_derivative(row: Row, kind: str) -> None:
    assert gradcheck(row.call, row.inputs(kind), check_grad_dtypes=True)


@pytest.mark.parametrize(("row", "kind"), [c for c in CASES if c.values[0].twice])
def test_second_derivative(row: Row, kind: str) -> None:
    assert gradgradcheck(row.call, row.inputs(kind), atol=1e-4)
