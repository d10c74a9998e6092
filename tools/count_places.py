"""Count the places that a commit touches: `python tools/count_places.py [COMMIT]`.

A place is a run of changed lines, a hunk of the diff without context. A pointwise op with its gradient should take
three: its line in core, its rule in autograd, its row of samples. A changelog is not counted.
"""

from __future__ import annotations

import re
import subprocess
import sys


def places(commit: str) -> list[tuple[str, int, list[str]]]:
    """(file, line, changed lines) of every hunk."""
    words = ["git", "show", "--unified=0", "--format=", "--no-ext-diff", commit]
    diff = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found: list[tuple[str, int, list[str]]] = []
    path = ""
    for line in diff.splitlines():
        if line.startswith("+++ "):
            path = line[4:].removeprefix("b/")
        elif hunk := re.match(r"@@ -\S+ \+(\d+)", line):
            found.append((path, int(hunk[1]), []))
        elif line[:1] in "+-" and found and not line.startswith("--- "):
            found[-1][2].append(line)
    return [place for place in found if not place[0].endswith("CHANGELOG.md")]


def main(commit: str = "HEAD") -> None:
    found = places(commit)
    for path, line, changed in found:
        print(f"{path}:{line}")
        for text in changed:
            print(f"    {text}")
    print(f"{len(found)} place{'' if len(found) == 1 else 's'} in {len({path for path, _, _ in found})} files")


if __name__ == "__main__":
    main(*sys.argv[1:])
