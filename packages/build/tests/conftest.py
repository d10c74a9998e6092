"""A package to build: one C++ file on the ABI headers, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PYPROJECT = """\
[build-system]
requires = ["hatchling", "tallow-build", "tallow-core"]
build-backend = "hatchling.build"

[project]
name = "toy"
version = "1.0"

[tool.hatch.build]
dev-mode-dirs = ["src"]
{build}

[tool.hatch.build.targets.wheel]
packages = ["src/toy"]

[tool.hatch.build.hooks.tallow]
{hook}
"""

CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(toy LANGUAGES CXX)
find_package(tallow CONFIG REQUIRED)
tallow_add_library(toy SOURCES toy.cpp ISA_SOURCES loops.cpp DESTINATION toy/lib
                   EXPORTS toy_abi toy_levels)
"""

TOY = """\
#include <tallow/abi.h>
namespace baseline { int level(); }
#ifdef __x86_64__
namespace avx512 { int level(); }
extern "C" TL_EXPORT int toy_levels() { return 10 * avx512::level() + baseline::level(); }
#else
extern "C" TL_EXPORT int toy_levels() { return baseline::level(); }
#endif
extern "C" TL_EXPORT unsigned toy_abi() { return TALLOW_ABI_VERSION; }
"""

LOOPS = """\
namespace TL_ISA { int level() { return TL_ISA_LEVEL + 1; } }
"""


@pytest.fixture
def make_toy(tmp_path, monkeypatch) -> Callable[..., Path]:
    """Write a small package whose library has one file for the ABI and one that is compiled per instruction set."""
    for name in ("TALLOW_SANITIZE", "TALLOW_DEBUG_INFO", "TALLOW_PLATFORM_TAG"):
        monkeypatch.delenv(name, raising=False)

    def make(hook: str = "", build: str = 'exclude = ["/src/toy/lib"]') -> Path:
        root = tmp_path / "toy"
        for folder in ("cpp", "src/toy"):
            (root / folder).mkdir(parents=True)
        (root / "pyproject.toml").write_text(PYPROJECT.format(hook=hook, build=build))
        (root / "cpp" / "CMakeLists.txt").write_text(CMAKE)
        (root / "cpp" / "toy.cpp").write_text(TOY)
        (root / "cpp" / "loops.cpp").write_text(LOOPS)
        (root / "src" / "toy" / "__init__.py").write_text("")
        monkeypatch.chdir(root)
        return root

    return make


@pytest.fixture
def toy(make_toy) -> Path:
    return make_toy()
