"""Reading wheels: their shared libraries and what those ask of the loader."""

from __future__ import annotations

import re
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass(frozen=True)
class Library:
    path: Path
    #: Path inside the wheel.
    name: str

    def _readelf(self, *options: str) -> list[str]:
        done = subprocess.run(["readelf", "-W", *options, str(self.path)], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    def needed(self) -> set[str]:
        """Names of the libraries that the loader has to find."""
        return {m[1] for line in self._readelf("-d") if (m := re.search(r"\(NEEDED\).*\[(.+)\]", line))}

    def undefined(self) -> set[str]:
        """Names of the symbols that somebody else has to define, without versions."""
        found = set()
        for line in self._readelf("--dyn-syms"):
            words = line.split()
            # Num: Value Size Type Bind Vis Ndx Name
            if len(words) >= 8 and words[6] == "UND":
                found.add(words[7].split("@")[0])
        return found

    def exported(self) -> set[str]:
        found = set()
        for line in self._readelf("--dyn-syms"):
            words = line.split()
            defined = len(words) >= 8 and words[0].rstrip(":").isdigit() and words[6] != "UND"
            if defined and words[4] in ("GLOBAL", "WEAK"):
                found.add(words[7].split("@")[0])
        return found

    def run_path(self) -> list[str]:
        lines = "\n".join(self._readelf("-d"))
        found = re.search(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", lines)
        return found[1].split(":") if found and found[1] else []


@contextmanager
def libraries_of(wheel: Path) -> Iterator[list[Library]]:
    with TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if re.search(r"\.so(\.\d+)*$", n)]
        yield [Library(Path(archive.extract(name, folder)), name) for name in sorted(names)]


def is_python_free(wheel: Path) -> bool:
    """By its tag: one binary for every Python."""
    return wheel.name.split("-")[-3].startswith("py")
