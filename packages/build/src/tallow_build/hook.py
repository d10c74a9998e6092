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
        build.configure()
        build.compile()
        if version == "editable":
            # The .pth of an editable install points at src/, so that is where the libraries have to be. git ignores them.
            build.install(Path(self.root) / config.package_root, strip=False)
            return
        staged = build.install(build.stage, strip=not config.debug_info, clean=True)
        build_data["pure_python"] = False
        build_data["tag"] = wheel_tag(config.python_free)
        for path in staged:
            build_data["force_include"][str(path)] = path.relative_to(build.stage).as_posix()

    def clean(self, versions: list[str]) -> None:
        shutil.rmtree(Path(self.root) / ".build", ignore_errors=True)
