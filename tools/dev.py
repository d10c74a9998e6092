#!/usr/bin/env python3
"""The developer's one entry point. Needs Python >= 3.10 and a C++ compiler, nothing else.

    python3 tools/dev.py demo     train a small network on handwritten digits
    python3 tools/dev.py test     build all wheels once and run the whole test suite against them
    python3 tools/dev.py check    what CI runs: test, plus lint and types
    python3 tools/dev.py build    wheels into dist/, and editable installs of every package into .venv
    python3 tools/dev.py bench    the benchmarks against torch

Further arguments go to the command: `dev.py test -e nn -- -k conv` is `tox run -e nn -- -k conv`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036  (says so in words on an older one)
    raise SystemExit("Tallow needs Python 3.10 or newer; this is {}.{}".format(*sys.version_info[:2]))

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment
from environment import DIST, PYTHON, ROOT, SetupError, run

TOOLS = ROOT / "tools"


def build(arguments: list[str]) -> int:
    environment.require_compiler()
    environment.ensure_tools()
    run([PYTHON, TOOLS / "build_all.py", DIST, *arguments])
    return run([PYTHON, TOOLS / "install_workspace.py", DIST])


def _tox(arguments: list[str], *default: str) -> int:
    environment.require_compiler()
    environment.ensure_tools()
    # Arguments for pytest, behind --, keep the default choice of environments.
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    chosen = [] if any(a.startswith(("-e", "-m", "-f")) for a in own) else default
    return run([PYTHON, "-m", "tox", "run", *chosen, *arguments], check=False)


def test(arguments: list[str]) -> int:
    return _tox(arguments, "-m", "test")


def check(arguments: list[str]) -> int:
    return _tox(arguments)


def demo(arguments: list[str]) -> int:
    build([])
    environment.ensure_installed("matplotlib", "tqdm")
    return run([PYTHON, TOOLS / "demo", *arguments], check=False)


def bench(arguments: list[str]) -> int:
    build([])
    return run([PYTHON, TOOLS / "bench", *arguments], check=False)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "demo": demo,
    "test": test,
    "check": check,
    "build": build,
    "bench": bench,
}


def main(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help") or words[0] not in COMMANDS:
        print(__doc__)
        return 0 if words and words[0] in ("-h", "--help") else 2
    try:
        return COMMANDS[words[0]](words[1:])
    except SetupError as error:
        print(f"dev.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
