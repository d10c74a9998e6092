"""Finding CMake and ninja: those of the machine where they are new enough, else the ones of the PyPI wheels."""

from __future__ import annotations

import re
import shutil
import subprocess

CMAKE_MINIMUM = (3, 20)


def _version(program: str) -> tuple[int, ...] | None:
    path = shutil.which(program)
    if path is None:
        return None
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60)
    except OSError:
        # A wrapper whose interpreter is gone (a virtual environment that was moved) is as good as no program.
        return None
    found = re.search(r"(\d+)\.(\d+)", done.stdout)
    return tuple(map(int, found.groups())) if done.returncode == 0 and found else None


def missing_programs() -> list[str]:
    """The requirements to add to the build environment."""
    wanted = []
    cmake = _version("cmake")
    if cmake is None or cmake < CMAKE_MINIMUM:
        wanted.append("cmake>={}.{}".format(*CMAKE_MINIMUM))
    if _version("ninja") is None:
        wanted.append("ninja>=1.11")
    return wanted


def find_program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"tallow-build needs {name}: pip install {name}")
    return path
