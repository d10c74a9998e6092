"""Every package is a folder that could be a repository of its own."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from packages import ROOT, Package, all_packages

packages = pytest.mark.parametrize("package", all_packages(), ids=lambda p: p.name)


@packages
def test_has_what_a_distribution_needs(package: Package):
    for name in ("README.md", "CHANGELOG.md"):
        assert (package.folder / name).read_text().strip(), f"{package.name} has no {name}"
    # A copy and not a link: a source distribution would carry the link.
    licence = package.folder / "LICENSE"
    assert not licence.is_symlink() and licence.read_bytes() == (ROOT / "LICENSE").read_bytes()


@packages
def test_metadata(package: Package):
    project = package.pyproject["project"]
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"] == ">=3.10"
    assert package.pyproject["build-system"]["build-backend"] == "hatchling.build"
    for requirement in project.get("dependencies", []):
        if requirement.startswith("tallow"):
            assert requirement.endswith(">=0.1,<1"), "the range of the ABI, never an exact pin"


@packages
def test_is_typed(package: Package):
    tops = [p for p in package.sources.glob("[a-z]*") if p.is_dir()]
    for top in tops:
        parts = [top] if top.name != "tallow" or package.name == "tallow-core" else [
            p for p in top.iterdir() if p.is_dir() and p.name not in ("utils", "__pycache__")
        ]  # fmt: skip
        for part in parts:
            assert (part / "py.typed").is_file(), f"{part} has no py.typed"


def test_the_shared_namespace_has_one_owner():
    owners = [p.name for p in all_packages() if (p.sources / "tallow" / "__init__.py").is_file()]
    assert owners == ["tallow-core"]
