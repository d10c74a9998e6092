"""The environment that holds both libraries: torch of a fixed version, and the wheels in dist/."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import environment
from environment import DIST, ROOT

TORCH = "torch==2.13.0"
VENV = Path(os.environ.get("TALLOW_BENCH_VENV", ROOT / ".venv-bench"))
PYTHON = VENV / "bin" / "python"
PACKAGES = ["tallow"]


def ensure() -> str:
    """Its interpreter; made on the first call, the wheels of dist/ installed anew where they changed."""
    if not PYTHON.is_file():
        environment.run([sys.executable, "-m", "venv", VENV])
    if not _has("torch"):
        _install_torch()
    built = (DIST / ".built-from.json").read_text()
    marker = VENV / ".built-from.json"
    if not marker.is_file() or marker.read_text() != built:
        environment.run([sys.executable, ROOT / "tools" / "install_wheels.py", PYTHON, DIST, *PACKAGES])
        marker.write_text(built)
    return str(PYTHON)


def _install_torch() -> None:
    """uv knows where the CPU builds are; without it, the builds for CUDA do as well and are larger."""
    wanted = [TORCH, "numpy", "ninja", "setuptools"]
    uv = shutil.which("uv", path=environment.variables()["PATH"])
    if not uv:
        environment.run([PYTHON, "-m", "pip", "install", *wanted])
        return
    install = [uv, "pip", "install", "--python", PYTHON]
    if environment.run([*install, "--torch-backend", "cpu", *wanted], check=False):
        environment.run([*install, *wanted])


def _has(module: str) -> bool:
    return subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def versions(python: str) -> dict[str, str]:
    code = "import json, tallow, torch; print(json.dumps({m.__name__: m.__version__ for m in (tallow, torch)}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{python} does not have both libraries:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def processor() -> str:
    """The name of the processor and the widest of the vector units that matter here."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "unknown processor"
    fields = dict(
        (key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in text.splitlines()) if value
    )
    flags = set(fields.get("flags", "").split())
    wide = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "no AVX2")
    return f"{fields.get('model name', 'unknown processor')} ({wide})"
