"""Run every test suite under the sanitizers that the wheels were built with: `run_sanitized.py PYTHON [path ...]`.

Python itself is not instrumented, so the sanitizers' run-time library has to be loaded before everything else; and
Python frees much only at exit, so leaks are not looked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from environment import ROOT, run, variables

RUNTIME = {"address": "libasan.so", "undefined": "libubsan.so", "thread": "libtsan.so"}


def preload(sanitizers: list[str]) -> str:
    found = []
    for name in sanitizers:
        asked = ["g++", f"-print-file-name={RUNTIME[name]}"]
        path = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        if path == RUNTIME[name]:
            raise SystemExit(f"g++ has no {RUNTIME[name]}: install the sanitizers of this compiler")
        found.append(str(Path(path).resolve()))
    # Loaded first as well, or the exceptions that it throws would pass by the sanitizer's own interception.
    stdcpp = subprocess.run(["g++", "-print-file-name=libstdc++.so.6"], capture_output=True, text=True, check=True)
    return " ".join([*found, str(Path(stdcpp.stdout.strip()).resolve())])


def main(python: str, arguments: list[str]) -> int:
    sanitizers = [s for s in os.environ.get("TALLOW_SANITIZE", "").split(",") if s]
    if not sanitizers:
        raise SystemExit("TALLOW_SANITIZE says which sanitizers the wheels were built with; it is empty")
    suppressions = ROOT / "tools" / "sanitizers"
    env = {
        **variables(),
        "LD_PRELOAD": preload(sanitizers),
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={suppressions / 'thread.supp'}",
        # Small blocks go to malloc, which the sanitizer watches, instead of to Python's own arenas.
        "PYTHONMALLOC": "malloc",
    }
    if "thread" in sanitizers:
        # libgomp is not instrumented: its barriers look like races. With one thread per caller our own locks are left.
        env["OMP_NUM_THREADS"] = "1"
    if not arguments:
        suites = sorted(p for p in (ROOT / "packages").glob("*/tests") if p.parent.name != "build")
        arguments = [str(p) for p in suites]
    pytest = [python, "-m", "pytest", "--import-mode=importlib", "-q", "-p", "no:cacheprovider"]
    # The address space of ASan and what a fork copies of it make a process a package the gentlest way.
    failed = 0
    for path in [a for a in arguments if not a.startswith("-")]:
        options = [a for a in arguments if a.startswith("-")]
        failed |= run([*pytest, *options, path], env=env, check=False)
    return failed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
