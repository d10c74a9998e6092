"""Native threads without Python; tools/sanitize.py runs the same program under ThreadSanitizer."""

from pathlib import Path

import pytest

import tallow.autograd

PROGRAM = Path(__file__).parent / "native" / "concurrent.cpp"
AUTOGRAD = Path(tallow.autograd.__file__).parent / "lib" / "libtallow_autograd.so"


@pytest.mark.parametrize("threads", ["1", "2"])
def test_concurrent(threads, tmp_path, core_library, compile_native, run):
    program = compile_native(PROGRAM, tmp_path / "concurrent", "-pthread", "-ldl")
    # The environment of Python's own tests, with another number of workers.
    shown = run([program, core_library, AUTOGRAD], env={"OMP_NUM_THREADS": threads}).stdout
    wanted = ["forward", "allocation", "pieces of one loop", "random numbers", "errors", "registration", "backward"]
    assert shown.splitlines() == [f"{name}: ok" for name in [*wanted, "accumulation"]]
