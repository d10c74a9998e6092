"""The hatch build hook that compiles a package's ``cpp/`` folder with CMake against an installed tallow-core."""

from pathlib import Path

__version__ = "0.1.0"


def cmake_module_dir() -> Path:
    """The folder of CMake modules shipped here (``TallowOneDNN.cmake``); builds get it on ``CMAKE_MODULE_PATH``."""
    return Path(__file__).parent / "cmake"
