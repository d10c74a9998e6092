"""The record of ABI v1: today's core serves what was built for it, and the check sees what would break it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tallow

HERE = Path(__file__).parent
FIXTURE = HERE / "fixtures" / "libsoftclip_v1.so"
CHECK = HERE.parents[1] / "tools" / "abi" / "check.py"
needs_abidiff = pytest.mark.skipif(not shutil.which("abidiff"), reason="abigail-tools are not installed")


def test_a_library_built_for_v1_loads_and_works(run_python):
    """The file was compiled when v1 was recorded and is never built again. Its gradient is a rule of its time too."""
    run_python(
        """
        import sys, tallow
        from tallow.autograd import gradcheck
        tallow.ops.load_library(sys.argv[1])
        softclip = tallow.ops.example.softclip
        x = tallow.linspace(-3, 3, 50_001)
        tallow.testing.assert_close(softclip(x, 2.0), 2 * tallow.tanh(x / 2))
        assert softclip(x.to("meta")).shape == x.shape
        t = tallow.tensor([-1.0, 0.5], dtype=tallow.float64, requires_grad=True)
        assert gradcheck(softclip, (t,))
        """,
        FIXTURE,
    )


def test_layout_of_the_installed_headers(run):
    run(["gcc", "-std=c11", "-fsyntax-only", "-Wall", "-Werror", f"-I{tallow.get_include()}", HERE / "layout_v1.c"])


@pytest.fixture
def changed_header(tmp_path):
    """Write today's abi.h with one change; return the include folder."""

    def change(old: str, new: str) -> Path:
        include = tmp_path / "include"
        shutil.copytree(tallow.get_include(), include)
        header = include / "tallow" / "abi.h"
        text = header.read_text()
        assert text.count(old) == 1
        header.write_text(text.replace(old, new))
        return include

    return change


@pytest.fixture
def bare_path(tmp_path) -> str:
    """A PATH with a compiler and without abigail-tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("gcc", "as", "ld", "readelf"):
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


def check(include: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TALLOW_ABI_INCLUDE": str(include), "TALLOW_ABI_OPTIONAL": "0", **environment}
    command = [sys.executable, str(CHECK), *map(str, arguments)]
    return subprocess.run(command, env=env, capture_output=True, text=True)


def library(include: Path, folder: Path, run) -> Path:
    """Something with the types and the functions of a libtallow_core that was built with these headers."""
    source = folder / "core.c"
    source.write_text(
        "#include <tallow/abi.h>\nstatic const TlApi api;\n"
        "const TlApi* tl_get_api(uint32_t target, uint32_t built_with, const char* name) "
        "{ (void)target, (void)built_with, (void)name; return &api; }\n"
        'const char* tl_last_error(void) { return ""; }\n'
    )
    output = folder / "libtallow_core.so"
    flags = ["-std=c11", "-g", "-shared", "-fPIC", f"-Wl,-soname,{output.name}"]
    run(["gcc", *flags, f"-I{include}", source, "-o", output])
    return output


FIRST, LAST = "  int32_t (*num_threads)(void);\n", "} TlApi;"


@pytest.mark.parametrize(
    "old, new, named",
    [
        (FIRST, "", "num_threads"),
        (FIRST, "  void (*squeezed_in)(void);\n" + FIRST, "num_threads"),
        ("  uint32_t nrets;\n  uint32_t is_composite;", "  uint32_t is_composite;\n  uint32_t nrets;", "nrets"),
        ("TL_VALUE_ERROR = 3", "TL_VALUE_ERROR = 13", "TL_VALUE_ERROR"),
        ("  uint32_t len;\n  union", "  uint64_t len;\n  union", "TlValue"),
    ],
    ids=["removed", "inserted", "swapped", "renumbered", "widened"],
)
def test_break_of_the_layout_is_seen(changed_header, bare_path, old, new, named):
    done = check(changed_header(old, new), PATH=bare_path, TALLOW_ABI_OPTIONAL="1")
    assert done.returncode == 1
    assert "the layout of ABI v1 does not hold" in done.stdout and named in done.stdout


def test_growth_at_the_end_keeps_the_layout(changed_header, run):
    include = changed_header(LAST, "  void (*later)(void);\n" + LAST)
    run(["gcc", "-std=c11", "-fsyntax-only", f"-I{include}", HERE / "layout_v1.c"])


def test_without_abidiff_the_check_fails_and_says_so(bare_path):
    required = check(Path(tallow.get_include()), PATH=bare_path)
    assert required.returncode == 1 and "abidw and abidiff missing" in required.stdout
    excused = check(Path(tallow.get_include()), PATH=bare_path, TALLOW_ABI_OPTIONAL="1")
    assert excused.returncode == 0 and "NOT compared" in excused.stdout


@needs_abidiff
def test_abidiff_compares_the_library(tmp_path, changed_header, run):
    same = check(tallow.get_include(), library(Path(tallow.get_include()), tmp_path, run))
    # Written in C instead of C++: the same types under the same names, so no difference that counts.
    assert same.returncode == 0, same.stdout
    include = changed_header("int64_t (*tensor_version)(TlTensor t);", "int32_t (*tensor_version)(TlTensor t);")
    other = check(include, library(include, tmp_path, run))
    assert other.returncode == 1 and "tensor_version" in other.stdout
