"""What ruff cannot say, the length of files and of native lines: `python tools/check_style.py`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: One idea a file; most are under half of this.
LONGEST_FILE = 600
LONGEST_LINE = 120
#: C++ has long types. Rows of tables (ops, derivatives, samples: one a line, read as columns) are as long as they are.
LONGEST_NATIVE_LINE = 160
NATIVE = {".c", ".cpp", ".h", ".hpp"}
TABLES = ("*_ops.hpp", "*_ops.cpp", "packages/autograd/cpp/rules/*.cpp", "packages/*/tests/samples/*.py")
#: A row that begins with the schema of an op, in a file that is not only a table.
ROW = re.compile(r'^\s*[^()]*[({]+\s*"[\w.:]+\(')
SOURCES = {".py", ".c", ".cpp", ".h", ".hpp", ".cmake"}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    paths = [ROOT / name.decode() for name in listed.stdout.split(b"\0") if name]
    return [p for p in paths if p.suffix in SOURCES and p.is_file()]


def problems(path: Path) -> list[str]:
    name = path.relative_to(ROOT)
    lines = path.read_text(encoding="utf-8").splitlines()
    limit = LONGEST_NATIVE_LINE if path.suffix in NATIVE else LONGEST_LINE
    is_table = any(name.match(pattern) for pattern in TABLES)
    found = []
    if len(lines) > LONGEST_FILE:
        found.append(f"{name}: {len(lines)} lines, at most {LONGEST_FILE}: split it")
    for number, line in enumerate(lines, 1):
        if len(line) > limit and not is_table and not ROW.match(line):
            found.append(f"{name}:{number}: {len(line)} columns, at most {limit}")
        if re.search(r"\s$", line):
            found.append(f"{name}:{number}: trailing blanks")
        if "\t" in line:
            found.append(f"{name}:{number}: a tab")
    return found


def main() -> int:
    files = tracked()
    found = [problem for path in files for problem in problems(path)]
    print("\n".join(found) or f"style: {len(files)} files, nothing to say")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
