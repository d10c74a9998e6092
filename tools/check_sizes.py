"""Print the size of every wheel in DIST; fail if one is over its limit: `python tools/check_sizes.py DIST`."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

#: Megabytes (10^6 bytes) as downloaded. What is small stays small: a package without a line here may have this much.
DEFAULT_LIMIT = 2.0
LIMITS = {"tallow_core": 12.0, "tallow_nn": 16.0}


def main(dist: Path) -> int:
    wheels = sorted(dist.glob("*.whl"))
    if not wheels:
        print(f"no wheels in {dist}", file=sys.stderr)
        return 1
    over = 0
    print(f"{'wheel':<20} {'MB':>7} {'limit':>6} {'unpacked':>9}")
    for wheel in wheels:
        name = wheel.name.split("-")[0]
        size, limit = wheel.stat().st_size / 1e6, LIMITS.get(name, DEFAULT_LIMIT)
        with zipfile.ZipFile(wheel) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist()) / 1e6
        too_big = size > limit
        over += too_big
        print(f"{name:<20} {size:>7.2f} {limit:>6.0f} {unpacked:>9.2f}{'  OVER THE LIMIT' if too_big else ''}")
    return 1 if over else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
