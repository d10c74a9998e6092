"""The development environment: `.venv` with uv, made with nothing but the standard library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("TALLOW_VENV", ROOT / ".venv"))
DIST = ROOT / "dist"
PYTHON = VENV / "bin" / "python"

#: What the tools themselves need; the packages bring their own.
TOOLS = ["uv", "tox>=4.21", "tox-uv", "pytest>=8", "tomli; python_version < '3.11'"]


class SetupError(Exception):
    """Something is missing on this machine; the message says what to do about it."""


def variables() -> dict[str, str]:
    """The process environment, with pip's package locations said again in uv's words: uv does not read pip's."""
    env = dict(os.environ)
    for theirs, ours in (("PIP_FIND_LINKS", "UV_FIND_LINKS"), ("PIP_CERT", "SSL_CERT_FILE")):
        if theirs in env:
            env.setdefault(ours, ",".join(env[theirs].split()))
    env["PATH"] = f"{VENV / 'bin'}{os.pathsep}{env.get('PATH', '')}"
    env.pop("PYTHONHOME", None)
    return env


def run(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, check: bool = True) -> int:
    """Run and show a command from the root of the repository; SystemExit with its status if it fails."""
    words = [str(c) for c in command]
    print("+", " ".join(words), flush=True)
    status = subprocess.run(words, cwd=ROOT, env=env or variables(), check=False).returncode
    if check and status:
        raise SystemExit(status)
    return status


def _works(*command: str | Path) -> bool:
    try:
        return subprocess.run([str(c) for c in command], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def require_compiler() -> None:
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise SetupError(f"no C++ compiler: {compiler!r} is not on PATH; Debian and Ubuntu: apt-get install g++")


def ensure_tools() -> None:
    """Make `.venv` with uv and tox in it; do nothing if it is there and works."""
    if not _works(PYTHON, "-c", "import sys; raise SystemExit(sys.version_info < (3, 10))"):
        if VENV.exists():
            print(f"{VENV} does not work any more: making it anew")
            shutil.rmtree(VENV)
        _create()
    if not _works(PYTHON, "-c", "import uv, tox, tox_uv, pytest"):
        run([PYTHON, "-m", "pip", "install", "--quiet", *TOOLS])


def ensure_installed(*modules: str) -> None:
    """What one command needs beyond the workspace; a module is named like its distribution."""
    if not _works(PYTHON, "-c", f"import {', '.join(modules)}"):
        run([VENV / "bin" / "uv", "pip", "install", "--quiet", "--python", PYTHON, *modules])


def _create() -> None:
    for command in (
        [sys.executable, "-m", "venv", VENV],
        [sys.executable, "-m", "virtualenv", VENV],
        ["uv", "venv", "--seed", "--python", sys.executable, VENV],
    ):
        if _works(*command) and _works(PYTHON, "-m", "pip", "--version"):
            return
        shutil.rmtree(VENV, ignore_errors=True)
    raise SetupError(
        f"cannot make a virtual environment with {sys.executable}: it has neither a working `venv` (Debian and Ubuntu: "
        "apt-get install python3-venv python3-dev) nor `virtualenv`, and there is no uv on PATH"
    )


def ensure_workspace(packages: Sequence[Path], names: Sequence[str]) -> None:
    """Editable installs of all packages; native parts come from the build trees that the wheels were built in."""
    fresh = [word for name in names for word in ("--reinstall-package", name, "--refresh-package", name)]
    editable = [word for path in packages for word in ("-e", f"{path}[test]" if path.name != "tallow" else str(path))]
    run([VENV / "bin" / "uv", "pip", "install", "--quiet", "--python", PYTHON, "--find-links", DIST, *fresh, *editable])
