"""Building a package end to end: through hatchling, as a front end would, against the installed tallow-core."""

from __future__ import annotations

import ctypes
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from hatchling import build as backend


def wheel_of(root: Path) -> zipfile.ZipFile:
    out = root / "dist"
    return zipfile.ZipFile(out / backend.build_wheel(str(out)))


def load(path: Path) -> ctypes.CDLL:
    return ctypes.CDLL(str(path))


def test_wheel_is_python_free_and_holds_the_library(toy):
    wheel = wheel_of(toy)
    assert re.search(r"toy-1\.0-py3-none-linux_\w+\.whl$", wheel.filename)
    assert "toy/lib/libtoy.so" in wheel.namelist()
    library = load(Path(wheel.extract("toy/lib/libtoy.so", toy / "unpacked")))
    assert library.toy_abi() >= 1
    assert library.toy_levels() in (31, 1)


def test_platform_tag_can_be_promised_by_a_release_build(toy, monkeypatch):
    monkeypatch.setenv("TALLOW_PLATFORM_TAG", "manylinux_2_28_x86_64")
    assert wheel_of(toy).filename.endswith("toy-1.0-py3-none-manylinux_2_28_x86_64.whl")


def test_library_is_stripped_relocatable_and_exports_only_what_it_says(toy):
    library = Path(wheel_of(toy).extract("toy/lib/libtoy.so", toy / "unpacked"))
    sections = subprocess.run(["readelf", "-SWd", str(library)], capture_output=True, text=True, check=True).stdout
    assert ".symtab" not in sections and ".debug_info" not in sections
    assert not re.search(r"R(UN)?PATH.*\[/", sections)
    symbols = subprocess.run(["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True)
    assert {line.split()[-1] for line in symbols.stdout.splitlines()} == {"toy_abi", "toy_levels"}


def test_without_exports_only_the_entry_point_is_visible(toy):
    cmake = toy / "cpp" / "CMakeLists.txt"
    cmake.write_text(cmake.read_text().replace("EXPORTS toy_abi toy_levels", ""))
    (toy / "cpp" / "toy.cpp").write_text(
        "#include <deque>\n#include <string>\n#include <tallow/abi.h>\n"
        'extern "C" TL_EXPORT TlStatus tl_extension_init(TlGetApi) '
        '{ static std::deque<std::string> d; d.emplace_back("x"); return TL_OK; }\n'
    )
    library = Path(wheel_of(toy).extract("toy/lib/libtoy.so", toy / "unpacked"))
    symbols = subprocess.run(["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True)
    assert [line.split()[-1] for line in symbols.stdout.splitlines()] == ["tl_extension_init"]


def test_debug_info_on_request(toy, monkeypatch):
    monkeypatch.setenv("TALLOW_DEBUG_INFO", "1")
    library = Path(wheel_of(toy).extract("toy/lib/libtoy.so", toy / "unpacked"))
    sections = subprocess.run(["readelf", "-SW", str(library)], capture_output=True, text=True, check=True).stdout
    assert ".debug_info" in sections


def test_baseline_objects_come_first_on_the_link_line(toy):
    """A weak symbol must come from code that every machine can run."""
    wheel_of(toy)
    (ninja,) = (toy / ".build").glob("*/build.ninja")
    line = re.search(r"LINK_LIBRARIES = (.*whole-archive.*)", ninja.read_text())
    assert line
    order = re.findall(r"libtoy_(\w+?)_1\.a", line[1])
    assert order == ["baseline", "avx2", "avx512"][: len(order)] and order


def test_editable_installs_into_src_and_a_wheel_after_it_is_the_same(toy):
    before = set(wheel_of(toy).namelist())
    backend.build_editable(str(toy / "dist"))
    assert load(toy / "src/toy/lib/libtoy.so").toy_abi() >= 1
    assert set(wheel_of(toy).namelist()) == before


def test_second_build_compiles_nothing(toy, capfd):
    wheel_of(toy)
    assert "Building CXX" in capfd.readouterr().err
    wheel_of(toy)
    assert "Building CXX" not in capfd.readouterr().err


def test_installed_file_that_would_be_twice_in_the_wheel(make_toy):
    root = make_toy(build="")
    backend.build_editable(str(root / "dist"))
    said = r'src/toy/lib/libtoy.so was put there by an editable .*exclude = \["/src/toy/lib"\]'
    with pytest.raises(ValueError, match=said):
        wheel_of(root)


def test_compile_error_fails_the_build(toy, capfd):
    (toy / "cpp" / "toy.cpp").write_text("int broken(")
    with pytest.raises(RuntimeError, match="cmake --build .* failed with status"):
        wheel_of(toy)
    assert "toy.cpp" in capfd.readouterr().err


def test_no_native_code_is_an_error_and_not_an_empty_wheel(toy):
    (toy / "cpp" / "CMakeLists.txt").unlink()
    with pytest.raises(FileNotFoundError, match="has no CMakeLists.txt"):
        wheel_of(toy)


def test_nothing_installed_is_an_error(toy):
    (toy / "cpp" / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(toy LANGUAGES CXX)\nadd_custom_target(nothing ALL)\n"
    )
    with pytest.raises(RuntimeError, match="installs nothing"):
        wheel_of(toy)


def test_unknown_argument_of_the_helper(toy, capfd):
    path = toy / "cpp" / "CMakeLists.txt"
    path.write_text(path.read_text().replace("DESTINATION", "DESTINATON"))
    with pytest.raises(RuntimeError):
        wheel_of(toy)
    assert "DESTINATON" in capfd.readouterr().err


def test_sdist_compiles_nothing(toy):
    backend.build_sdist(str(toy / "dist"))
    assert not (toy / ".build").exists()
