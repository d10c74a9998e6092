"""The order of builds comes from the pyproject.toml files."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from build_all import source_digest
from packages import Package, all_packages, requirement_name


def write(root: Path, name: str, requires: list[str], dependencies: list[str]) -> Path:
    folder = root / "packages" / name
    folder.mkdir(parents=True)
    project = f"[project]\nname = '{name}'\nversion = '1'\ndependencies = {dependencies}\n"
    (folder / "pyproject.toml").write_text(f"[build-system]\nrequires = {requires}\n{project}")
    return folder


def test_what_is_needed_comes_first(tmp_path):
    write(tmp_path, "a-meta", ["hatchling"], ["b-nn>=1,<2"])
    write(tmp_path, "b-nn", ["z-build", "c-core>=1"], ["c-core"])
    write(tmp_path, "c-core", ["z-build"], ["numpy"])
    write(tmp_path, "z-build", ["hatchling"], [])
    assert [p.name for p in all_packages(tmp_path)] == ["z-build", "c-core", "b-nn", "a-meta"]


def test_requirement_name():
    assert requirement_name("Tallow_Core[cuda] >=0.1,<1; python_version<'4'") == "tallow-core"


def test_digest_follows_sources_settings_and_siblings_but_not_tests(tmp_path, monkeypatch):
    package = Package(write(tmp_path, "mine", ["other"], []))
    (package.folder / "tests").mkdir()
    dist = tmp_path / "dist"
    dist.mkdir()
    digests = [source_digest(package, dist, {"other"})]
    (package.folder / "tests" / "test_x.py").write_text("")
    assert source_digest(package, dist, {"other"}) == digests[0]
    (package.folder / "code.cpp").write_text("int x;")
    digests.append(source_digest(package, dist, {"other"}))
    (dist / "other-1-py3-none-any.whl").write_bytes(b"1")
    digests.append(source_digest(package, dist, {"other"}))
    monkeypatch.setenv("TALLOW_DEBUG_INFO", "1")
    digests.append(source_digest(package, dist, {"other"}))
    assert len(set(digests)) == 4
