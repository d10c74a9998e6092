"""What ``[tool.hatch.build.hooks.tallow]`` and the environment say, checked and in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

SANITIZERS = ("address", "undefined", "thread", "leak")


@dataclass(frozen=True)
class HookConfig:
    #: Folder with the package's CMakeLists.txt.
    source: str = "cpp"
    #: Folder that editable installs put on ``sys.path``; libraries are installed relative to it.
    package_root: str = "src"
    #: True: the wheel is ``py3-none-<platform>``, one for every Python. False: it binds one CPython ABI.
    python_free: bool = True
    #: Distributions whose ``<prefix>/include`` and ``<prefix>/lib`` files the build may find.
    prefix_distributions: tuple[str, ...] = ()
    #: Further ``-D...`` arguments for CMake.
    cmake_args: tuple[str, ...] = ()

    # From the environment, because they belong to a build and not to a package.
    debug_info: bool = field(default=False, metadata={"env": True})
    sanitize: tuple[str, ...] = field(default=(), metadata={"env": True})
    jobs: str = field(default="", metadata={"env": True})

    @classmethod
    def parse(cls, table: Mapping[str, Any], name: str, env: Mapping[str, str] = os.environ) -> HookConfig:
        """Raise ValueError on an unknown key or a wrong type: a misspelt option that is ignored costs hours."""
        where = f"{name}: [tool.hatch.build.hooks.tallow]"
        known = {f.name.replace("_", "-"): f for f in fields(cls) if not f.metadata.get("env")}
        # hatch's own keys for every hook; they are not ours to judge.
        foreign = {"dependencies", "require-runtime-dependencies", "require-runtime-features", "enable-by-default"}
        values: dict[str, Any] = {}
        for key, value in table.items():
            if key in foreign:
                continue
            if key not in known:
                raise ValueError(f"{where} has no option {key!r}; it knows {', '.join(sorted(known))}")
            default = known[key].default
            if isinstance(default, tuple):
                if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                    raise ValueError(f"{where} {key} must be a list of strings, got {value!r}")
                value = tuple(value)
            elif not isinstance(value, type(default)):
                raise ValueError(f"{where} {key} must be a {type(default).__name__}, got {value!r}")
            values[known[key].name] = value
        sanitize = tuple(s for s in env.get("TALLOW_SANITIZE", "").split(",") if s)
        for name_ in sanitize:
            if name_ not in SANITIZERS:
                raise ValueError(f"TALLOW_SANITIZE={env['TALLOW_SANITIZE']}: {name_!r} is not one of {SANITIZERS}")
        return cls(
            **values,
            debug_info=env.get("TALLOW_DEBUG_INFO", "") not in ("", "0"),
            sanitize=sanitize,
            jobs=env.get("TALLOW_BUILD_JOBS", ""),
        )

    @property
    def variant(self) -> str:
        """Names the build tree, so that builds with other flags do not throw each other's objects away."""
        return "-".join([*self.sanitize, *(["debug-info"] if self.debug_info else [])]) or "release"
