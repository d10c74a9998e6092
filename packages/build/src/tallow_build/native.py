"""One CMake build tree of one package: configure, compile, install."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from . import cmake_module_dir
from .config import HookConfig
from .mirror import core_files, distribution_files, mirror_files, pybind11_files, requirement_names
from .programs import find_program
from .tags import native_tag


class NativeBuild:
    def __init__(self, root: Path, config: HookConfig, requires: Sequence[str]) -> None:
        self.config = config
        self.source = root / config.source
        if not (self.source / "CMakeLists.txt").is_file():
            raise FileNotFoundError(f"tallow-build: {self.source} has no CMakeLists.txt")
        tag = native_tag()
        abi = f"any-{tag.platform}" if config.python_free else f"{tag.abi}-{tag.platform}"
        self.tree = root / ".build" / f"{abi}-{config.variant}"
        self.stage = self.tree / "stage"
        self.prefix = self.tree / "prefix"
        self.requires = requirement_names(requires)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One build at a time in this tree: two ninjas in one folder destroy each other's work."""
        self.tree.mkdir(parents=True, exist_ok=True)
        with (self.tree / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def configure(self) -> None:
        self._mirror()
        ninja = find_program("ninja")
        arguments = [
            "-S", str(self.source), "-B", str(self.tree), "-G", "Ninja", "--no-warn-unused-cli",
            f"-DCMAKE_MAKE_PROGRAM={ninja}",
            f"-DCMAKE_MODULE_PATH={self._modules()}",
            f"-DCMAKE_PREFIX_PATH={';'.join(str(p) for p in self._prefixes())}",
            "-DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF",
            "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
            "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_CXX_FLAGS_RELEASE={self._release_flags()}",
            f"-DCMAKE_C_FLAGS_RELEASE={self._release_flags()}",
            # A wheel has no symbolic links: no libx.so -> libx.so.1.
            "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON",
            f"-DTALLOW_DEBUG_INFO={'ON' if self.config.debug_info else 'OFF'}",
            f"-DTALLOW_SANITIZE={','.join(self.config.sanitize)}",
        ]  # fmt: skip
        if not self.config.python_free:
            # The base interpreter: its path stays the same, the one of an isolated environment does not.
            arguments.append(f"-DPython_EXECUTABLE={getattr(sys, '_base_executable', None) or sys.executable}")
        ccache = shutil.which("ccache")
        launcher = os.environ.get("TALLOW_COMPILER_LAUNCHER", ccache or "")
        for language in ("C", "CXX"):
            arguments.append(f"-DCMAKE_{language}_COMPILER_LAUNCHER={launcher}")
        self._run([find_program("cmake"), *arguments, *self.config.cmake_args])

    def compile(self) -> None:
        jobs = ["-j", self.config.jobs] if self.config.jobs else []
        self._run([find_program("cmake"), "--build", str(self.tree), *jobs])

    def install(self, destination: Path, *, strip: bool, clean: bool = False) -> list[Path]:
        """`cmake --install` into `destination`; return the files that it put there."""
        if clean:
            shutil.rmtree(destination, ignore_errors=True)
        arguments = ["--install", str(self.tree), "--prefix", str(destination), *(["--strip"] if strip else [])]
        self._run([find_program("cmake"), *arguments])
        installed = [Path(p) for p in (self.tree / "install_manifest.txt").read_text().splitlines()]
        if not installed:
            raise RuntimeError(f"tallow-build: {self.source}/CMakeLists.txt installs nothing: the wheel would be empty")
        return installed

    def _modules(self) -> Path:
        """The CMake modules, at a path that is the same for every build environment."""
        modules = self.tree / "modules"
        mirror_files([(p, PurePosixPath(p.name)) for p in cmake_module_dir().glob("*.cmake")], modules)
        return modules

    def _mirror(self) -> None:
        """Fill one prefix per dependency; see mirror.py for why these are copies."""
        if "tallow-core" in self.requires:
            mirror_files(core_files(), self.prefix / "tallow")
        if "pybind11" in self.requires:
            mirror_files(pybind11_files(), self.prefix / "pybind11")
        for name in self.config.prefix_distributions:
            mirror_files(distribution_files(name), self.prefix / re.sub(r"[^a-z0-9]+", "-", name.lower()))

    def _prefixes(self) -> list[Path]:
        return sorted(p for p in self.prefix.iterdir() if p.is_dir()) if self.prefix.is_dir() else []

    def _release_flags(self) -> str:
        flags = ["-O2", "-DNDEBUG"]
        if self.config.sanitize:
            flags = ["-O1", "-g", "-fno-omit-frame-pointer", f"-fsanitize={','.join(self.config.sanitize)}"]
        elif self.config.debug_info:
            flags.append("-g")
        return " ".join(flags)

    def _run(self, command: Sequence[str]) -> None:
        # Output goes to stderr: stdout belongs to the front end's protocol.
        done = subprocess.run(command, stdout=sys.stderr, check=False)
        if done.returncode:
            shown = " ".join(command[:3])
            raise RuntimeError(f"tallow-build: `{shown} ...` failed with status {done.returncode}, see above")
