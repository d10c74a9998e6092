"""The build hook: wheels stage ``cmake --install`` and include the result; editable installs put it into ``src/``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

from .config import HookConfig
from .native import NativeBuild
from .tags import wheel_tag


class TallowBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "tallow"

    def dependencies(self) -> list[str]:
        """CMake and ninja from PyPI, each only where the machine has no usable one."""
        if self.target_name != "wheel":
            return []
        from .programs import missing_programs

        return missing_programs()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        config = HookConfig.parse(self.config, self.metadata.name)
        build = NativeBuild(Path(self.root), config, list(self.metadata.build.requires))
        with build.locked():
            self._build(build, config, version, build_data)

    def _build(self, build: NativeBuild, config: HookConfig, version: str, build_data: dict[str, Any]) -> None:
        build.configure()
        build.compile()
        if version == "editable":
            # The .pth of an editable install points at src/, so that is where the libraries have to be.
            build.install(Path(self.root) / config.package_root, strip=False)
            return
        staged = build.install(build.stage, strip=not config.debug_info, clean=True)
        build_data["pure_python"] = False
        build_data["tag"] = wheel_tag(config.python_free)
        for path in staged:
            relative = path.relative_to(build.stage).as_posix()
            self._check_excluded(f"{config.package_root}/{relative}")
            build_data["force_include"][str(path)] = relative

    def _check_excluded(self, path: str) -> None:
        """hatchling would only say that a second file is added; what to do about it is said here."""
        if (Path(self.root) / path).is_file() and self.build_config.include_path(path):
            folder = path.rpartition("/")[0]
            raise ValueError(
                f"{path} was put there by an editable install and would be in the wheel twice: "
                f'say exclude = ["/{folder}"] in [tool.hatch.build], or let .gitignore name it'
            )

    def clean(self, versions: list[str]) -> None:
        shutil.rmtree(Path(self.root) / ".build", ignore_errors=True)
