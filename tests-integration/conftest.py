"""Fixtures to compile native code against the installed core, and to run programs in processes of their own."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import tallow

ROOT = Path(__file__).resolve().parent.parent
CORE = Path(tallow.__file__).parent


def execute(command: Sequence[str | Path], *, timeout: float = 600, **options) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout, **options)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def core_library() -> Path:
    return CORE / "lib" / "libtallow_core.so"


@pytest.fixture(scope="session")
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command; its failure is the test's."""
    return execute


@pytest.fixture(scope="session")
def run_python() -> Callable[..., str]:
    """Run a program in a new Python and return what it printed."""

    def run(code: str, *arguments: object, path: Sequence[Path] = (), isolated: bool = False, timeout: float = 300):
        flags = ["-S", "-E"] if isolated else []
        program = f"import sys; sys.path[:0] = {[str(p) for p in path]}\n{textwrap.dedent(code)}"
        words = [sys.executable, *flags, "-c", program, *arguments]
        env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" or not isolated}
        return execute(words, timeout=timeout, env=env).stdout

    return run


@pytest.fixture(scope="session")
def compile_native() -> Callable[..., Path]:
    """Compile one C or C++ file against the public headers."""

    def compile(source: Path, output: Path, *options: str, include: str | None = None) -> Path:
        is_c = source.suffix == ".c"
        compiler, standard = ("gcc", "-std=c11") if is_c else ("g++", "-std=c++20")
        shared = ["-shared", "-fPIC", "-fvisibility=hidden"] if output.suffix == ".so" else []
        headers = include or tallow.get_include()
        warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers"]
        execute([compiler, standard, "-O1", *warnings, *shared, f"-I{headers}", source, "-o", output, *options])
        return output

    return compile


@pytest.fixture(scope="session")
def core_alone(tmp_path_factory) -> Path:
    """A folder for sys.path that holds tallow-core and what it depends on, and no other package of Tallow."""
    site = tmp_path_factory.mktemp("core-alone")
    for name in ("tallow-core", "scipy-openblas32"):
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files or ():
            if file.suffix == ".pyc" or file.parts[0] == "..":
                continue
            link = site / file
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path(str(file.locate())).resolve())
    if not (site / "tallow" / "__init__.py").exists():  # an editable install: core's folder holds nothing but core
        (site / "tallow").symlink_to(CORE, target_is_directory=True)
    return site
