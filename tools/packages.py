"""The packages of the repository and the order in which their wheels can be built."""

from __future__ import annotations

import graphlib
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent


def normalize(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_name(requirement: str) -> str:
    return normalize(re.split(r"[\s\[<>=!~;@(]", requirement.strip(), maxsplit=1)[0])


@dataclass(frozen=True)
class Package:
    folder: Path

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))

    @property
    def name(self) -> str:
        return normalize(self.pyproject["project"]["name"])

    @property
    def version(self) -> str:
        return str(self.pyproject["project"]["version"])

    @property
    def build_requires(self) -> set[str]:
        return {requirement_name(r) for r in self.pyproject["build-system"]["requires"]}

    @property
    def dependencies(self) -> set[str]:
        return {requirement_name(r) for r in self.pyproject["project"].get("dependencies", ())}

    @property
    def native(self) -> bool:
        return (self.folder / "cpp" / "CMakeLists.txt").is_file()

    @property
    def python_free(self) -> bool:
        hook = self.pyproject.get("tool", {}).get("hatch", {}).get("build", {}).get("hooks", {}).get("tallow", {})
        return self.native and bool(hook.get("python-free", True))

    @property
    def sources(self) -> Path:
        return self.folder / "src"


def all_packages(root: Path = ROOT) -> list[Package]:
    """Every package, each after all that it needs to be built or to run; the order does not depend on the machine."""
    found = {}
    for path in sorted((root / "packages").glob("*/pyproject.toml")):
        package = Package(path.parent)
        found[package.name] = package
    needs = {
        name: sorted((package.build_requires | package.dependencies) & found.keys()) for name, package in found.items()
    }
    return [found[name] for name in graphlib.TopologicalSorter(needs).static_order()]
