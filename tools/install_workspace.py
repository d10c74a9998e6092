"""Editable installs of every package into the running environment: `python tools/install_workspace.py DIST`.

Does nothing when the wheels in DIST are those of the last time, and with them everything native and every
pyproject.toml: Python files of an editable install are read from where they are edited.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from build_all import RECORD
from environment import VENV, ensure_workspace
from packages import all_packages


def main(dist: Path) -> None:
    built_from = (dist / RECORD).read_text()
    marker = VENV / ".workspace-built-from.json"
    packages = all_packages()
    imports = "import tallow, importlib.metadata as m; " + "; ".join(f"m.version({p.name!r})" for p in packages)
    current = marker.is_file() and marker.read_text() == built_from
    if current and subprocess.run([sys.executable, "-c", imports], capture_output=True, check=False).returncode == 0:
        print("editable installs: unchanged")
        return
    ensure_workspace([p.folder for p in packages], [p.name for p in packages])
    marker.write_text(built_from)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
