"""The mirrored prefix: exact content, and timestamps that move only with content."""

import os
from pathlib import Path, PurePosixPath

import pytest

from tallow_build.mirror import _is_copy, distribution_files, mirror_files, requirement_names


def files(root: Path, **content: str):
    pairs = []
    for name, text in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        pairs.append((path, PurePosixPath("include") / name))
    return pairs


def test_copies_and_reports(tmp_path):
    target = tmp_path / "prefix"
    assert mirror_files(files(tmp_path / "env", a="1", b="2"), target)
    assert (target / "include/a").read_text() == "1"


def test_same_content_in_a_new_environment_is_not_touched(tmp_path):
    target = tmp_path / "prefix"
    mirror_files(files(tmp_path / "env1", a="1"), target)
    os.utime(target / "include/a", (1000, 1000))
    assert not mirror_files(files(tmp_path / "env2", a="1"), target)
    assert (target / "include/a").stat().st_mtime == 1000


def test_changed_content_is_copied_even_at_the_same_size_and_time(tmp_path):
    target = tmp_path / "prefix"
    mirror_files(files(tmp_path / "env1", a="1"), target)
    changed = files(tmp_path / "env2", a="2")
    stamp = (target / "include/a").stat().st_mtime
    os.utime(changed[0][0], (stamp, stamp))
    assert mirror_files(changed, target)
    assert (target / "include/a").read_text() == "2"


def test_files_that_are_gone_disappear(tmp_path):
    target = tmp_path / "prefix"
    mirror_files(files(tmp_path / "env1", a="1", b="2"), target)
    assert mirror_files(files(tmp_path / "env2", a="1"), target)
    assert not (target / "include/b").exists()


@pytest.mark.parametrize(
    ("name", "copy"),
    [("libx.so", True), ("libx.so.3", False), ("libx.so.3.2", True), ("liby.so", False), ("x.h", False)],
)
def test_one_copy_of_a_library_under_several_names(name, copy):
    among = {PurePosixPath("lib") / n for n in ("libx.so", "libx.so.3", "libx.so.3.2", "liby.so", "x.h")}
    assert _is_copy(PurePosixPath("lib") / name, among) is copy


def test_distribution_without_prefix_files_is_an_error():
    with pytest.raises(FileNotFoundError, match="iniconfig installs nothing below include, lib or share of"):
        distribution_files("iniconfig")


def test_requirement_names():
    given = ["hatchling>=1.24", "Tallow_Core>=0.1,<1", "x[extra]", "y ; python_version < '3'", "z@file:///z"]
    assert requirement_names(given) == {"hatchling", "tallow-core", "x", "y", "z"}
