"""C11 without Python in the process."""

from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "program.c"


@pytest.fixture(params=["linked", "dlopened"])
def output(request, tmp_path, core_library, compile_native, run) -> list[str]:
    if request.param == "linked":
        folder = core_library.parent
        link = [f"-L{folder}", "-ltallow_core", f"-Wl,-rpath,{folder}"]
        command = [compile_native(PROGRAM, tmp_path / "program", "-Wpedantic", *link)]
    else:
        command = [compile_native(PROGRAM, tmp_path / "program", "-DUSE_DLOPEN", "-ldl"), core_library]
    # An environment with nothing of Python in it.
    return run(command, env={"PATH": "/usr/bin:/bin"}).stdout.splitlines()


def test_program(output):
    assert output[0].startswith("core ") and output[0].endswith("abi 1")
    assert output[1:5] == [
        "add [2,3]: 2 4 6 8 10 12",
        "matmul [2,2]: 8 11 17 24.5",
        "sum []: 60.5",
        "twice [3,2]: 0 1 2 3 4 5",
    ]
    assert output[5] == "status 1: no op named 'no_such_op' is registered"
    assert output[6].startswith("status 1: ") and "2x3" in output[6]
    assert output[7] == "python 0"
