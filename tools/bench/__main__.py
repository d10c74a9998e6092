"""Tallow against torch, workload by workload.

    python tools/dev.py bench [--only 'op.*'] [--threads 1,2] [--rounds 5] [--json FILE] [--list]

Every measurement is a process of its own: the libraries never share one, and take turns (A, B, A, B, ...), so that a
change of the machine's load or clock meets both. The table shows the median of each library and the median of the
ratios of neighbouring turns; below 1, Tallow takes less. Both live in `.venv-bench`, which is made on the first run;
`--python` names another interpreter that has both.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import peer
import report
from workloads import WORKLOADS

HERE = Path(__file__).resolve().parent
LIBRARIES = ("tallow", "torch")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__.split("\n")[0])
    parser.add_argument("--list", action="store_true", help="print the workloads and stop")
    parser.add_argument("--only", metavar="GLOB", action="append", help="workloads to run; may be repeated")
    parser.add_argument("--threads", default="1", help="comma-separated thread counts (default: 1)")
    parser.add_argument("--rounds", type=int, default=5, help="processes per workload and library (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.5, help="time to measure within each process (default: 0.5)")
    parser.add_argument("--json", type=Path, default=Path("bench-out/bench.json"), help="where to write every figure")
    parser.add_argument("--python", help="an interpreter with both libraries, instead of .venv-bench")
    options = parser.parse_args()
    try:
        options.threads = [int(word) for word in options.threads.split(",")]
    except ValueError:
        parser.error(f"--threads: expected numbers separated by commas, got {options.threads!r}")
    if options.rounds < 1 or min(options.threads) < 1:
        parser.error("--rounds and --threads must be at least 1")
    return options


def measure(python: str, workload: str, library: str, threads: int, seconds: float, scratch: str) -> float:
    """One process; what it prints on its last line is the figure."""
    count = str(threads)
    env = {**os.environ, "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}
    words = [python, str(HERE / "worker.py"), workload, library, count, str(seconds), scratch]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{workload} with {library} failed ({done.returncode}):\n{done.stderr}")
    return float(json.loads(done.stdout.splitlines()[-1])["value"])


def run(python: str, names: list[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="tallow-bench-") as scratch:
        for name in names:
            for threads in options.threads:
                figures: dict[str, list[float]] = {library: [] for library in LIBRARIES}
                for _ in range(options.rounds):
                    for library in LIBRARIES:
                        figures[library].append(measure(python, name, library, threads, options.seconds, scratch))
                row = report.row(name, WORKLOADS[name].unit, threads, figures)
                print(report.line(row), flush=True)
                rows.append(row)
    return rows


def main() -> None:
    options = arguments()
    patterns = options.only or ["*"]
    names = [name for name in WORKLOADS if any(fnmatch.fnmatchcase(name, p) for p in patterns)]
    if options.list:
        for name in names:
            print(f"{name:<22} {WORKLOADS[name].summary}")
        return
    if not names:
        raise SystemExit(f"no workload matches {' '.join(patterns)}; --list names them all")
    python = options.python or peer.ensure()
    machine = {
        "cpu": peer.processor(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "libraries": peer.versions(python),
    }
    print(report.heading(machine), flush=True)
    rows = run(python, names, options)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"machine": machine, "rounds": options.rounds, "rows": rows}, indent=1) + "\n")
    print(f"\nevery figure: {options.json}")


if __name__ == "__main__":
    main()
