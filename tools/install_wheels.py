"""Install packages from DIST into an environment: `python tools/install_wheels.py PYTHON DIST REQUIREMENT...`.

tox calls it for each of its environments. All wheels of this repository are taken from DIST and installed anew, because
a rebuilt wheel keeps its version; everything else comes from where the front end usually looks.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from environment import run, variables


def main(python: str, dist: Path, requirements: list[str]) -> None:
    names = sorted({path.name.split("-")[0].replace("_", "-") for path in dist.glob("*.whl")})
    if not names:
        raise SystemExit(f"no wheels in {dist}: run `python tools/build_all.py {dist}` first")
    uv = shutil.which("uv", path=variables()["PATH"])
    if uv:
        fresh = [word for name in names for word in ("--reinstall-package", name, "--refresh-package", name)]
        run([uv, "pip", "install", "--quiet", "--python", python, "--find-links", dist, *fresh, *requirements])
    else:
        run([python, "-m", "pip", "uninstall", "--quiet", "--yes", *names])
        run([python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--find-links", dist, *requirements])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve(), sys.argv[3:])
