"""Build every wheel into DIST, in dependency order: `python tools/build_all.py DIST [package ...]`.

Each build is isolated (PEP 517) and finds its siblings as wheels in DIST. A package whose files and build requirements
are what they were when its wheel was made is not built again; `--force` builds it all the same.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from environment import run, variables
from packages import Package, all_packages

RECORD = ".built-from.json"
#: Environment variables that change what a build produces.
SETTINGS = ("TALLOW_DEBUG_INFO", "TALLOW_SANITIZE", "TALLOW_PLATFORM_TAG", "CXX", "CXXFLAGS")


def source_digest(package: Package, dist: Path, siblings: set[str]) -> str:
    """Of the package's files, the sibling wheels it is built with and the settings."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(_source_files(package.folder)):
        digest.update(f"{path.relative_to(package.folder)}\0".encode() + path.read_bytes())
    for name in sorted(package.build_requires & siblings):
        for wheel in wheels_of(name, dist):
            digest.update(wheel.read_bytes())
    for setting in SETTINGS:
        digest.update(f"{setting}={os.environ.get(setting, '')}\0".encode())
    return digest.hexdigest()


def _source_files(folder: Path) -> list[Path]:
    """What git would commit; without git (a source archive), everything but build trees and caches."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."],
        cwd=folder, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0 and listed.stdout:
        paths = [folder / name.decode() for name in listed.stdout.split(b"\0") if name]
    else:
        skipped = {".build", "__pycache__"}
        paths = [p for p in folder.rglob("*") if not skipped & set(p.relative_to(folder).parts) and ".so" not in p.name]
    return [p for p in paths if p.is_file() and "tests" not in p.relative_to(folder).parts]


def wheels_of(name: str, dist: Path) -> list[Path]:
    return sorted(dist.glob(f"{name.replace('-', '_')}-[0-9]*.whl"))


def build_wheel(package: Package, out: Path, dist: Path, siblings: set[str]) -> None:
    uv = shutil.which("uv", path=variables()["PATH"])
    if uv:
        # A sibling's wheel keeps its version while its content changes: never take it from uv's cache.
        refresh = [word for name in sorted(siblings) for word in ("--refresh-package", name)]
        run([uv, "build", "--wheel", "--python", sys.executable, "--find-links", dist, *refresh,
             "--out-dir", out, package.folder])  # fmt: skip
    else:
        run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-cache-dir", "--find-links", dist,
             "--wheel-dir", out, package.folder])  # fmt: skip


def build_all(dist: Path, only: list[str], force: bool) -> None:
    dist.mkdir(parents=True, exist_ok=True)
    lock = (dist / ".lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)  # until this process ends
    record_file = dist / RECORD
    record = json.loads(record_file.read_text()) if record_file.is_file() else {}
    packages = all_packages()
    siblings = {p.name for p in packages}
    unknown = set(only) - siblings
    if unknown:
        raise SystemExit(f"no package {', '.join(sorted(unknown))}; there are {', '.join(sorted(siblings))}")
    for package in packages:
        if only and package.name not in only:
            continue
        digest = source_digest(package, dist, siblings)
        if not force and record.get(package.name) == digest and wheels_of(package.name, dist):
            print(f"{package.name}: unchanged", flush=True)
            continue
        start = time.monotonic()
        with tempfile.TemporaryDirectory(dir=dist) as out:
            build_wheel(package, Path(out), dist, siblings)
            (wheel,) = Path(out).glob("*.whl")
            for old in wheels_of(package.name, dist):
                old.unlink()
            size = wheel.stat().st_size
            wheel.replace(dist / wheel.name)
        record[package.name] = digest
        record_file.write_text(json.dumps(record, indent=1))
        print(f"{package.name}: {wheel.name}, {size / 1e6:.2f} MB, {time.monotonic() - start:.1f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dist", type=Path)
    parser.add_argument("package", nargs="*", help="build only these; what they need must be in DIST already")
    parser.add_argument("--force", action="store_true")
    options = parser.parse_args()
    build_all(options.dist.resolve(), options.package, options.force)
