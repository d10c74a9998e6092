"""The prefix that CMake searches: copies of the headers and CMake files of what the package builds against.

An isolated build environment lives in a new folder each time and its files are new each time. Pointing CMake there
would change every command line and every timestamp, and so recompile everything on every build. So what the build
needs is copied into a folder that stays, and a copy is touched only if its content changed.
"""

from __future__ import annotations

import filecmp
import importlib.metadata
import importlib.util
import re
import shutil
import sysconfig
from collections.abc import Container, Iterable
from pathlib import Path, PurePosixPath


def mirror_files(files: Iterable[tuple[Path, PurePosixPath]], target: Path) -> bool:
    """Make `target` hold exactly these (source, relative path) files; say whether anything changed."""
    changed = False
    wanted = set()
    for source, relative in files:
        copy = target / relative
        wanted.add(copy)
        if not copy.is_file() or not filecmp.cmp(source, copy, shallow=False):
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.unlink(missing_ok=True)
            shutil.copyfile(source, copy)
            changed = True
    if target.is_dir():
        for stale in [p for p in target.rglob("*") if p.is_file() and p not in wanted]:
            stale.unlink()
            changed = True
    return changed


def _tree(root: Path, *folders: str) -> Iterable[tuple[Path, PurePosixPath]]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file():
                yield path, PurePosixPath(path.relative_to(root).as_posix())


def core_files() -> list[tuple[Path, PurePosixPath]]:
    """Headers and CMake files of the installed tallow-core, found without importing it.

    Importing would need the run-time dependencies of core, and would run whatever an editable checkout is in the middle
    of. `find_spec` on a top-level name imports nothing.
    """
    spec = importlib.util.find_spec("tallow")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        root = Path(folder)
        if (root / "include" / "tallow" / "abi.h").is_file():
            return list(_tree(root, "include", "lib/cmake"))
    raise FileNotFoundError(
        "tallow-core is not installed in the build environment, or has no headers: add 'tallow-core>=0.1,<1' to "
        "build-system.requires (with --no-build-isolation: pip install tallow-core)"
    )


def pybind11_files() -> list[tuple[Path, PurePosixPath]]:
    spec = importlib.util.find_spec("pybind11")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("pybind11 is in build-system.requires but not in the build environment")
    return list(_tree(Path(spec.origin).parent, "include", "share/cmake"))


def distribution_files(name: str) -> list[tuple[Path, PurePosixPath]]:
    """What a wheel put below ``include``, ``lib`` and ``share`` of the prefix, with paths relative to the prefix."""
    distribution = importlib.metadata.distribution(name)
    # Not sys.prefix: pip's isolated builds put an overlay prefix beside the interpreter's own.
    depth = len(Path(sysconfig.get_path("purelib")).relative_to(sysconfig.get_path("data")).parts)
    prefix = Path(str(distribution.locate_file(""))).resolve().parents[depth - 1]
    found = {}
    for entry in distribution.files or ():
        path = Path(str(entry.locate())).resolve()
        in_site_packages = entry.parts[0] != ".."
        if not in_site_packages and path.relative_to(prefix).parts[0] in ("include", "lib", "share"):
            found[PurePosixPath(path.relative_to(prefix).as_posix())] = path
    if not found:
        raise FileNotFoundError(f"{name} installs nothing below include, lib or share of {prefix}")
    return [(path, relative) for relative, path in found.items() if not _is_copy(relative, found)]


def _is_copy(relative: PurePosixPath, among: Container[PurePosixPath]) -> bool:
    """A wheel cannot hold symbolic links, so libx.so and libx.so.3.2 are full copies of libx.so.3, the name to load."""
    match = re.fullmatch(r"(lib.+?\.so)((?:\.\d+)*)", relative.name)
    if match is None or match[2].count(".") == 1:
        return False
    return any(relative.with_name(f"{match[1]}.{major}") in among for major in range(1, 100))


def requirement_names(requires: Iterable[str]) -> set[str]:
    return {re.split(r"[\s\[<>=!~;@(]", r.strip(), maxsplit=1)[0].lower().replace("_", "-") for r in requires}
