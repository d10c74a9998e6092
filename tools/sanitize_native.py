"""Run the native concurrency program under a sanitizer, with no Python in the process.

`python tools/sanitize_native.py [thread|address,undefined]` compiles core (without its binding) and autograd with the
sanitizer, links `tests-integration/threads/native/concurrent.cpp` and runs it. 64 threads call ops, run backward and
accumulate into one leaf. Where a test-suite runs in Python every access of the interpreter is unknown to the sanitizer;
here all code but BLAS and the C library is instrumented. Needs CMake, ninja and g++; the build stays in `.build/`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from environment import ROOT, run, variables

PROGRAM = ROOT / "tests-integration" / "threads" / "native" / "concurrent.cpp"
SUPPRESSIONS = ROOT / "tools" / "sanitizers" / "thread.supp"


def build(name: str, sanitizer: str, tree: Path, *options: str) -> None:
    common = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1", f"-DTALLOW_SANITIZE={sanitizer}"]
    run(["cmake", "-S", ROOT / "packages" / name / "cpp", "-B", tree / name, *common, *options])
    run(["cmake", "--build", tree / name, "-j", os.environ.get("TALLOW_BUILD_JOBS", "2")])
    run(["cmake", "--install", tree / name, "--prefix", tree / "site"])


def main(sanitizer: str) -> int:
    tree = ROOT / ".build" / f"native-{sanitizer.replace(',', '-')}"
    build("core", sanitizer, tree, "-DTALLOW_PYTHON=OFF")
    build("autograd", sanitizer, tree, f"-DCMAKE_PREFIX_PATH={tree / 'site' / 'tallow'}")
    program = tree / "concurrent"
    include = tree / "site" / "tallow" / "include"
    flags = ["-std=c++20", "-O1", "-g", "-fno-omit-frame-pointer", f"-fsanitize={sanitizer}", "-pthread"]
    run(["g++", *flags, f"-I{include}", PROGRAM, "-o", program, "-ldl"])
    env = {
        **variables(),
        "TSAN_OPTIONS": f"halt_on_error=0:second_deadlock_stack=1:suppressions={SUPPRESSIONS}",
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }
    tallow = tree / "site" / "tallow"
    libraries = [tallow / "lib" / "libtallow_core.so", tallow / "autograd" / "lib" / "libtallow_autograd.so"]
    return run([program, *libraries], env=env, check=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sanitizer", nargs="?", default="thread", help="thread (the default) or address,undefined")
    sys.exit(main(parser.parse_args().sanitizer))
