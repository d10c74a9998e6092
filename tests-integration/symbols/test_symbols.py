"""Native libraries of our packages are free of Python and of each other; tools/check_symbols.py has the rules."""

import os
import sys
from pathlib import Path

import pytest

import tallow.autograd
import tallow.nn
import tallow.optim

TOOLS = Path(__file__).resolve().parents[2] / "tools"
PACKAGES = {"autograd": tallow.autograd, "nn": tallow.nn, "optim": tallow.optim}


@pytest.mark.parametrize("name", PACKAGES)
def test_installed_library(name, run):
    folder = Path(PACKAGES[name].__file__).parent / "lib"
    library = folder / f"libtallow_{name}.so"
    undefined = {line.split()[-1] for line in run(["nm", "-D", "--undefined-only", library]).stdout.splitlines()}
    assert not [s for s in undefined if s.startswith(("Py", "_Py"))]
    assert not [s for s in undefined if s.startswith("tl_")], "the core is reached through the table, not by the linker"
    defined = {line.split()[-1] for line in run(["nm", "-D", "--defined-only", library]).stdout.splitlines()}
    assert defined - {"__bss_start", "_edata", "_end", "_init", "_fini"} == {"tl_extension_init"}
    dynamic = run(["readelf", "-d", library]).stdout.splitlines()
    needed = {line.split("[")[1][:-1] for line in dynamic if "NEEDED" in line}
    carried = {p.name for p in folder.iterdir()}
    sanitizers = {"libasan.so.8", "libubsan.so.1", "libtsan.so.2"}
    system = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1", "ld-linux-x86-64.so.2"}
    assert not needed - carried - system - sanitizers


def test_core_exports_the_abi_alone(core_library, run):
    defined = {line.split()[-1] for line in run(["nm", "-D", "--defined-only", core_library]).stdout.splitlines()}
    assert defined - {"__bss_start", "_edata", "_end", "_init", "_fini"} == {"tl_get_api", "tl_last_error"}
    undefined = run(["nm", "-D", "--undefined-only", core_library]).stdout
    assert " Py" not in undefined and " _Py" not in undefined


@pytest.mark.parametrize("name", ["core", *PACKAGES])
def test_little_static_thread_local_memory(name, core_library, run):
    """All libraries opened at run time share some 1,600 bytes of it; a host has libraries of its own."""
    library = core_library if name == "core" else Path(PACKAGES[name].__file__).parent / "lib" / f"libtallow_{name}.so"
    if "STATIC_TLS" not in run(["readelf", "-d", library]).stdout:
        return
    (segment,) = [s.split() for s in run(["readelf", "-lW", library]).stdout.splitlines() if s.split()[:1] == ["TLS"]]
    assert int(segment[5], 16) <= 256, f"{library.name} takes {int(segment[5], 16)} bytes"


@pytest.mark.skipif("TALLOW_DIST" not in os.environ, reason="TALLOW_DIST names the folder with the wheels")
def test_wheels(run):
    dist = Path(os.environ["TALLOW_DIST"])
    run([sys.executable, TOOLS / "check_symbols.py", dist])
    for name in PACKAGES:
        assert list(dist.glob(f"tallow_{name}-*-py3-none-*.whl"))
