"""Check what the wheels' libraries ask of the loader and show to the world: `python tools/check_symbols.py DIST`.

- A `py3-none` wheel is one binary for every Python: no symbol of Python's C API may be undefined in it.
- Nothing but the C and C++ run-time libraries, libgomp, and what the same wheel carries may be needed.
- A library on the ABI exports nothing but its entry point.
- Libraries are found relative to their own place: no RUNPATH but $ORIGIN.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from wheels import Library, is_python_free, libraries_of

SYSTEM = {
    "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "ld-linux-x86-64.so.2",
    "libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1",
}  # fmt: skip
#: The sanitizer builds need their run-time libraries.
SANITIZERS = re.compile(r"lib[alut]san\.so\.\d+|libubsan\.so\.\d+|libtsan\.so\.\d+")
PYTHON = re.compile(r"_?Py[A-Z_]")
#: What a library that core loads exports: the entry point of abi.h, and the marks that the linker adds.
ENTRY_POINTS = {"tl_extension_init", "__bss_start", "_edata", "_end", "_init", "_fini"}


def problems(library: Library, python_free: bool, carried: set[str]) -> list[str]:
    found = []
    own_code = Path(library.name).name.startswith(("libtallow", "_core"))
    if python_free:
        names = sorted(s for s in library.undefined() if PYTHON.match(s))
        if names:
            found.append(f"needs Python symbols, so it is not one binary for every Python: {', '.join(names[:5])}")
    for name in sorted(library.needed() - SYSTEM - carried):
        if not SANITIZERS.fullmatch(name):
            found.append(f"needs {name}, which is neither a system library nor in the wheel")
    for place in library.run_path():
        if not place.startswith("$ORIGIN"):
            found.append(f"has run path {place}, which is a folder of the machine it was built on")
    if own_code and python_free:
        stray = sorted(library.exported() - ENTRY_POINTS)
        if stray:
            shown = ", ".join(s[:60] for s in stray[:4])
            found.append(f"exports more than its entry point: {shown} ({len(stray)} in all)")
    return found


def main(dist: Path) -> int:
    failed = False
    wheels = sorted(dist.glob("*.whl"))
    if not wheels:
        print(f"no wheels in {dist}", file=sys.stderr)
        return 1
    for wheel in wheels:
        with libraries_of(wheel) as libraries:
            carried = {Path(library.name).name for library in libraries}
            for library in libraries:
                found = problems(library, is_python_free(wheel), carried)
                failed |= bool(found)
                print(f"{wheel.name.split('-')[0]}: {library.name}: {'; '.join(found) or 'ok'}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
