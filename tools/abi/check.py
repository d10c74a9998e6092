"""Compare a built libtallow_core with the record of its binary interface: `python tools/abi/check.py [LIBRARY]`.

`tools/check_abi.py` compares the header; this compares what a compiler made of it and what the linker shows:

- every size, offset and value of ABI v1 as static assertions in C, compiled against today's header;
- `abidiff` of the library, restricted to the types of the public headers, with the recorded dump: exported functions
  and all that is reachable from them, down to the last parameter of the last function pointer.

LIBRARY is one with the debug information of api.cpp, which every build tree has: the newest one of packages/core/.build
if none is given. abidiff comes with abigail-tools; where it is missing the check fails, unless TALLOW_ABI_OPTIONAL=1.
`--record` writes the record anew, and with it the library that every later core of this major version has to load.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from check_abi import INCLUDE, Interface, measure, parse  # noqa: E402

RECORD = ROOT / "tests-integration" / "abi"
DUMP = RECORD / "libtallow_core.abi.xml"
LAYOUT = RECORD / "layout_v1.c"
FIXTURE = RECORD / "fixtures" / "libsoftclip_v1.so"
#: Structs that come in arrays, so that their size is baked into every loop over them, whatever struct_size says.
IN_ARRAYS = {"TlOpArgument"}
EXAMPLE = ROOT / "tests-integration" / "third_party" / "tallow_example" / "cpp" / "softclip.cpp"


def find_library() -> Path:
    found = [p for p in (ROOT / "packages" / "core" / ".build").glob("*/libtallow_core.so") if has_debug_info(p)]
    if not found:
        raise SystemExit("no libtallow_core.so with debug information below packages/core/.build: build core first")
    return max(found, key=lambda p: p.stat().st_mtime)


def has_debug_info(library: Path) -> bool:
    shown = subprocess.run(["readelf", "-S", "-W", str(library)], capture_output=True, text=True, check=True)
    return ".debug_info" in shown.stdout


def layout_source(interface: Interface) -> str:
    """C11 that compiles exactly if everything recorded is still where it was."""
    lines = [
        "/* ABI v1 as it was released: compiles against every later abi.h of this major version.",
        " * Written by tools/abi/check.py --record. Structs that begin with their size may have grown. */",
        "#include <stddef.h>",
        "#include <tallow/abi.h>",
        "",
        "#define AT(type, field, offset, size) \\",
        "  _Static_assert(offsetof(type, field) == offset && sizeof(((type*)0)->field) == size, #type \".\" #field)",
        "#define SIZE(type, is, bytes) _Static_assert(sizeof(type) is bytes, #type)",
        "#define VALUE(name, value) _Static_assert(name == value, #name)",
    ]
    for struct, shape in interface["structs"].items():
        grows = "struct_size" in shape["fields"] and struct not in IN_ARRAYS
        lines += ["", f"SIZE({struct}, {'>=' if grows else '=='}, {shape['size']});"]
        for name, (offset, size, _) in shape["fields"].items():
            lines.append(f"AT({struct}, {name}, {offset}, {size});")
    lines += ["", *(f"VALUE({name}, {value});" for name, value in interface["enums"].items()), ""]
    return "\n".join(lines)


def check_layout() -> list[str]:
    command = ["gcc", "-std=c11", "-fsyntax-only", f"-I{INCLUDE}", str(LAYOUT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"the layout of ABI v1 does not hold:\n{done.stderr}"]


def dump(library: Path, output: Path) -> None:
    public = ["--headers-dir", str(INCLUDE / "tallow"), "--drop-private-types", "--exported-interfaces-only"]
    places = ["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed"]
    subprocess.run(["abidw", *public, *places, "--out-file", str(output), str(library)], check=True)


def check_library(library: Path) -> list[str]:
    if not has_debug_info(library):
        raise SystemExit(f"{library} has no debug information, so there are no types to compare")
    with TemporaryDirectory() as folder:
        now = Path(folder) / "now.xml"
        dump(library, now)
        done = subprocess.run(["abidiff", str(DUMP), str(now)], capture_output=True, text=True, check=False)
    # Bits of the status: 1 an error, 2 wrong usage, 4 a change, 8 an incompatible change. A struct that grew at its end
    # is a change too; it is recorded in the commit that makes it, so that a review sees it.
    if done.returncode & 0b0011:
        raise SystemExit(f"abidiff failed:\n{done.stderr}")
    return [f"abidiff of {library.name} with {DUMP.name}:\n{done.stdout}"] if done.returncode else []


def record(library: Path) -> None:
    header = (INCLUDE / "tallow" / "abi.h").read_text(encoding="utf-8")
    with TemporaryDirectory() as folder:
        LAYOUT.write_text(layout_source(measure(parse(header), Path(folder))), encoding="utf-8")
    dump(library, DUMP)
    FIXTURE.parent.mkdir(exist_ok=True)
    flags = ["-std=c++20", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,--as-needed", "-s"]
    subprocess.run(["g++", *flags, f"-I{INCLUDE}", str(EXAMPLE), "-o", str(FIXTURE)], check=True)
    for path in (LAYOUT, DUMP, FIXTURE):
        print(f"recorded {path.relative_to(ROOT)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", nargs="?", type=Path, help="libtallow_core.so with debug information")
    parser.add_argument("--record", action="store_true", help="write the record anew")
    options = parser.parse_args()
    missing = [tool for tool in ("abidw", "abidiff") if shutil.which(tool) is None]
    if options.record:
        if missing:
            raise SystemExit(f"{' and '.join(missing)} missing: Debian and Ubuntu: apt-get install abigail-tools")
        record(options.library or find_library())
        return 0
    found = check_layout()
    if missing:
        excused = os.environ.get("TALLOW_ABI_OPTIONAL") == "1"
        print(f"{' and '.join(missing)} missing: the library was NOT compared (apt-get install abigail-tools)")
        if not excused:
            found.append("set TALLOW_ABI_OPTIONAL=1 to let this pass without abidiff")
    else:
        library = options.library or find_library()
        found += check_library(library)
    print("\n".join(found) or f"abi: layout as recorded{'' if missing else f', {library.name} as recorded'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
