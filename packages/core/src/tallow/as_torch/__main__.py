"""``python -m tallow.as_torch script.py args...``: run a program with Tallow in the place of torch."""

from __future__ import annotations

import os
import runpy
import sys

from tallow.as_torch import install

USAGE = "usage: python -m tallow.as_torch [-m module | script.py] [arguments ...]"


def main() -> int:
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help") or words == ["-m"]:
        print(USAGE, file=sys.stdout if words and words != ["-m"] else sys.stderr)
        return 0 if words and words != ["-m"] else 2
    install()
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return 0
    script = words[0]
    if not os.path.exists(script):
        print(f"python -m tallow.as_torch: cannot open {script!r}: there is no such file", file=sys.stderr)
        return 2
    sys.argv = words
    # As Python does for a script: its folder comes first. `python -m` had put the current folder there.
    here = os.getcwd()
    if here in sys.path or "" in sys.path:
        sys.path.remove(here if here in sys.path else "")
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    runpy.run_path(script, run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
