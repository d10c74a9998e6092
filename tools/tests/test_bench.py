"""The benchmark's table and choice of workloads; the figures are not tested."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent
BENCH = TOOLS / "bench"


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCH))
    import report

    yield report
    sys.modules.pop("report", None)


def test_ratio_is_the_median_of_neighbouring_turns(report) -> None:
    row = report.row("x", "s", 1, {"tallow": [1.0, 20.0, 3.0], "torch": [2.0, 20.0, 4.0]})
    assert row["ratio"] == 0.75
    assert row["ratio_range"] == [0.5, 1.0]
    assert (row["tallow"], row["torch"]) == (3.0, 4.0)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(2e-7, "s", "200 ns"), (0.0015, "s", "1.5 ms"), (2.0, "s", "2 s"), (22.3, "MB", "22.3 MB")],
)
def test_amounts(report, value: float, unit: str, text: str) -> None:
    assert report.amount(value, unit) == text


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(BENCH), *words], capture_output=True, text=True, check=False)


def test_list_takes_patterns_and_needs_no_library() -> None:
    done = bench("--list", "--only", "gemm.*")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["gemm.64", "gemm.256", "gemm.1024", "gemm.2048"]


def test_wrong_arguments_say_so() -> None:
    assert "expected numbers separated by commas, got 'two'" in bench("--threads", "two").stderr
    assert "no workload matches nothing.*" in bench("--only", "nothing.*").stderr
