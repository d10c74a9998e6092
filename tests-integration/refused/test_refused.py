"""What load_library() refuses, and the sentence that it says."""

import re
import shutil
from pathlib import Path

import pytest

import tallow

EXTENSION = Path(__file__).parent / "extension.cpp"
LOAD = """
import sys, tallow
try:
    tallow.ops.load_library(sys.argv[1])
except ImportError as e:
    print(e)
assert tallow.ones(2).sum() == 2  # the process is as it was
"""


@pytest.fixture
def newer_headers(tmp_path) -> Path:
    """Today's headers as they will be called in the next version of the ABI."""
    folder = tmp_path / "include"
    shutil.copytree(tallow.get_include(), folder)
    header = folder / "tallow" / "abi.h"
    text, count = re.subn(r"(#define TALLOW_ABI_VERSION) \d+", r"\1 2", header.read_text())
    assert count == 1
    header.write_text(text)
    return folder


def test_built_for_a_newer_abi(tmp_path, newer_headers, compile_native, run_python):
    library = compile_native(EXTENSION, tmp_path / "newer.so", "-DTALLOW_TARGET_ABI=2", include=newer_headers)
    assert run_python(LOAD, library).strip() == (
        "extension 'refused_example' needs tallow ABI version 2 (built with headers of version 2), but the installed "
        f"tallow-core {tallow.__version__} provides versions 1 to 1: upgrade tallow-core"
    )


def test_newer_headers_and_an_older_target_are_fine(tmp_path, newer_headers, compile_native, run_python):
    """The default target is the oldest version, so building with new headers does not cut old cores off."""
    library = compile_native(EXTENSION, tmp_path / "ok.so", include=newer_headers)
    code = LOAD + "print(tallow.ops.refused.same(tallow.ones(1)))"
    assert run_python(code, library).strip() == "tensor([1.])"


def test_built_for_an_abi_that_is_gone(tmp_path, compile_native, run_python):
    library = compile_native(EXTENSION, tmp_path / "older.so", "-DTALLOW_TARGET_ABI=0")
    shown = run_python(LOAD, library)
    assert "needs tallow ABI version 0" in shown and "provides versions 1 to 1: rebuild the extension" in shown


def test_target_beyond_the_headers_does_not_compile(tmp_path, compile_native):
    with pytest.raises(AssertionError, match="TALLOW_TARGET_ABI is newer than these headers"):
        compile_native(EXTENSION, tmp_path / "beyond.so", "-DTALLOW_TARGET_ABI=2")


@pytest.mark.parametrize(
    "macro, message",
    [
        ("NO_ENTRY_POINT", "exports no tl_extension_init, so it is not a tallow extension"),
        ("THROWS", "the licence key is missing"),
        ("BAD_SCHEMA", "refused::same(Tensor self -> Tensor"),
        ("UNRESOLVED", "tl_symbol_of_nobody"),
    ],
)
def test_broken_extensions(tmp_path, compile_native, run_python, macro, message):
    library = compile_native(EXTENSION, tmp_path / "broken.so", f"-D{macro}")
    assert message in run_python(LOAD, library)


@pytest.mark.parametrize("content", ["empty", "text", "half"])
def test_files_that_are_no_library(tmp_path, compile_native, run_python, content):
    library = tmp_path / "bad.so"
    whole = compile_native(EXTENSION, tmp_path / "whole.so").read_bytes()
    library.write_bytes({"empty": b"", "text": b"not a library\n" * 100, "half": whole[: len(whole) // 2]}[content])
    shown = run_python(LOAD, library)
    assert str(library) in shown and len(shown.splitlines()) == 1
    assert content != "half" or "is truncated, it has only" in shown


def test_file_that_is_not_there(tmp_path, run_python):
    missing = tmp_path / "missing.so"
    assert run_python(LOAD, missing).strip() == f"load_library: {missing} does not exist"


def test_names_taken_twice(tmp_path, compile_native, run_python):
    """Two files with the same op: the second is refused; the same file twice is loaded once."""
    first = compile_native(EXTENSION, tmp_path / "first.so")
    second = shutil.copy(first, tmp_path / "second.so")
    code = """
    import sys, tallow
    tallow.ops.load_library(sys.argv[1])
    tallow.ops.load_library(sys.argv[1])
    try:
        tallow.ops.load_library(sys.argv[2])
    except ImportError as e:
        print(e)
    print(tallow.ops.refused.same(tallow.ones(1)))
    """
    refusal, works = run_python(code, first, second).splitlines()
    assert "refused::same" in refusal and works == "tensor([1.])"
