"""Compare `tallow/abi.h` with the recorded binary interface: `python tools/check_abi.py [--record]`.

Layouts and signatures are what a compiled extension has baked in, so within a major version they only grow at the end:

- a recorded struct field keeps offset, size and declaration; new fields come after all recorded ones;
- a recorded enumerator keeps its value; a recorded function keeps its declaration;
- what is new has to be recorded in the same commit, so that a review sees it as a change of the interface.

The record is `packages/core/abi/v1.json`, which a C compiler alone can check, and `v1.abi.xml`, which abidiff (Debian
and Ubuntu: abigail-tools) compares down to the types behind every pointer. Where abidiff is missing only the first is
checked.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = Path(os.environ.get("TALLOW_ABI_INCLUDE", ROOT / "packages" / "core" / "cpp" / "include"))
RECORD = ROOT / "packages" / "core" / "abi"
COMPILER = shutil.which("gcc") or shutil.which("cc") or "cc"

Interface = dict[str, Any]


def parse(header: str) -> Interface:
    """Structs with their fields' declarations, enumerators, and functions, as text."""
    text = re.sub(r"/\*.*?\*/", " ", header, flags=re.S)
    text = re.sub(r"^\s*#(?:[^\n\\]|\\.|\\\n)*", "", text, flags=re.M)
    structs = {}
    for match in re.finditer(r"typedef struct (\w+) \{(.*?)\n?\} \1;", text, re.S):
        # The members of an anonymous union have their struct's name for it: they count as fields.
        body = re.sub(r"\bunion \{(.*?)\};", r"\1", match[2], flags=re.S)
        declarations = [re.sub(r"\s+", " ", d).strip() for d in body.split(";")]
        structs[match[1]] = {field_name(d): d for d in declarations if d}
    # A count moves with what it counts; nobody may bake it in.
    enums = [name for body in re.findall(r"enum \{(.*?)\}", text, re.S) for name in re.findall(r"(\w+)\s*=", body)]
    enums = [name for name in enums if not name.endswith("_COUNT")]
    exported = re.finditer(r"TL_EXPORT ([^;{]*?\b(\w+)\([^;{]*\));", text)
    functions = {m[2]: re.sub(r"\s+", " ", m[1]).strip() for m in exported}
    return {"structs": structs, "enums": enums, "functions": functions}


def field_name(declaration: str) -> str:
    pointer = re.search(r"\(\*(\w+)\)", declaration)
    if pointer:
        return pointer[1]
    return re.sub(r"\[.*", "", declaration).split()[-1].lstrip("*")


def compile_c(source: str, output: Path, *options: str) -> None:
    done = subprocess.run(
        [COMPILER, "-std=c11", "-Wall", f"-I{INCLUDE}", *options, "-x", "c", "-", "-o", str(output)],
        input=source, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit("abi.h does not compile as C11, see above")


def measure(parsed: Interface, folder: Path) -> Interface:
    """Add offsets, sizes and values, as the compiler has them."""
    lines = []
    for struct, fields in parsed["structs"].items():
        lines.append(f'  printf("size {struct} . %zu 0\\n", sizeof({struct}));')
        for name in fields:
            where = f"offsetof({struct}, {name}), sizeof((({struct}*)0)->{name})"
            lines.append(f'  printf("field {struct} {name} %zu %zu\\n", {where});')
    for name in parsed["enums"]:
        lines.append(f'  printf("enum . {name} %lld 0\\n", (long long){name});')
    head = "#include <stdio.h>\n#include <stddef.h>\n#include <tallow/abi.h>\nint main(void) {\n"
    compile_c(head + "\n".join(lines) + "\n}\n", folder / "layout")
    shown = subprocess.run([str(folder / "layout")], capture_output=True, text=True, check=True).stdout
    result: Interface = {"structs": {s: {"size": 0, "fields": {}} for s in parsed["structs"]}, "enums": {}}
    for line in shown.splitlines():
        kind, struct, name, first, second = line.split()
        if kind == "size":
            result["structs"][struct]["size"] = int(first)
        elif kind == "field":
            declared = parsed["structs"][struct][name]
            result["structs"][struct]["fields"][name] = [int(first), int(second), declared]
        else:
            result["enums"][name] = int(first)
    result["functions"] = parsed["functions"]
    return result


def breaks(old: Interface, new: Interface) -> list[str]:
    """What an extension built with `old` would run into with `new`."""
    found = []
    for struct, was in old["structs"].items():
        now = new["structs"].get(struct)
        if now is None:
            found.append(f"struct {struct} is gone")
            continue
        end = max(offset + size for offset, size, _ in was["fields"].values())
        for name, place in was["fields"].items():
            if now["fields"].get(name) != place:
                found.append(f"{struct}.{name} was {place}, is {now['fields'].get(name, 'gone')}")
        for name, (offset, _, _) in now["fields"].items():
            if name not in was["fields"] and offset < end:
                found.append(f"{struct}.{name} is new and not at the end: offset {offset}, the record ends at {end}")
    for kind in ("enums", "functions"):
        for name, value in old[kind].items():
            if new[kind].get(name) != value:
                found.append(f"{name} was {value}, is {new[kind].get(name, 'gone')}")
    return found


def additions(old: Interface, new: Interface) -> list[str]:
    found = [f"struct {s}" for s in new["structs"] if s not in old["structs"]]
    for struct, was in old["structs"].items():
        fields = new["structs"].get(struct, {"fields": {}})["fields"]
        found += [f"{struct}.{f}" for f in fields if f not in was["fields"]]
    for kind in ("enums", "functions"):
        found += [name for name in new[kind] if name not in old[kind]]
    return found


def build_probe(parsed: Interface, folder: Path) -> Path:
    """A library with abi.h's functions and, through them, all of its types, with the debug information abidw reads."""
    names = "".join(f"const void* tl_probe_{s}(const {s}* p) {{ return p; }}\n" for s in parsed["structs"])
    source = (
        "#include <tallow/abi.h>\n"
        + names
        + "const TlApi* tl_get_api(uint32_t t, uint32_t b, const char* n) { (void)t; (void)b; (void)n; return 0; }\n"
    )
    compile_c(source, folder / "libprobe.so", "-g", "-shared", "-fPIC", "-Wno-missing-prototypes")
    return folder / "libprobe.so"


def abidw(probe: Path, output: Path) -> None:
    quiet = ["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-architecture"]
    subprocess.run(["abidw", *quiet, "--out-file", str(output), str(probe)], check=True)


def abidiff(probe: Path, folder: Path) -> list[str]:
    """Compare with the recorded dump. Growth at the end of a struct is a change, and an allowed one: see breaks()."""
    now = folder / "now.xml"
    abidw(probe, now)
    done = subprocess.run(
        ["abidiff", "--no-show-locs", str(RECORD / "v1.abi.xml"), str(now)], capture_output=True, text=True, check=False
    )
    # Bits of the status: 1 an error, 2 wrong usage, 4 a change, 8 an incompatible change.
    if done.returncode & 0b0011:
        raise SystemExit(f"abidiff failed:\n{done.stderr}")
    if done.returncode & 0b1000:
        return [f"abidiff reports an incompatible change:\n{done.stdout}"]
    return []


def main(record: bool) -> int:
    parsed = parse((INCLUDE / "tallow" / "abi.h").read_text(encoding="utf-8"))
    have_abidiff = shutil.which("abidiff") is not None and shutil.which("abidw") is not None
    with TemporaryDirectory() as name:
        folder = Path(name)
        now = measure(parsed, folder)
        probe = build_probe(parsed, folder)
        if record:
            RECORD.mkdir(exist_ok=True)
            (RECORD / "v1.json").write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            if not have_abidiff:
                raise SystemExit("abidw is missing (Debian and Ubuntu: apt-get install abigail-tools)")
            abidw(probe, RECORD / "v1.abi.xml")
            print(f"recorded in {RECORD.relative_to(ROOT)}")
            return 0
        was = json.loads((RECORD / "v1.json").read_text(encoding="utf-8"))
        found = breaks(was, now)
        found += [f"{what} is new: `python tools/check_abi.py --record` and commit" for what in additions(was, now)]
        if have_abidiff:
            found += abidiff(probe, folder)
    count = sum(len(s["fields"]) for s in now["structs"].values())
    size = f"{len(now['structs'])} structs, {count} fields, {len(now['enums'])} enumerators"
    how = "layout and abidiff" if have_abidiff else "layout only, abidiff is not installed"
    print("\n".join(found) or f"abi: {size} as recorded ({how})")
    return 1 if found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write the record anew")
    sys.exit(main(parser.parse_args().record))
