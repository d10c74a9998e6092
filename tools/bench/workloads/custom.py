"""A third party's op in C++: registered by a library of its own, called from Python; the work is one addition.

The library is compiled once per run with plain g++, which is not timed.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import Context, workload

SOURCE = Path(__file__).parent / "twice"


@workload("custom_op")
def custom_op(context: Context) -> Callable[[], Any]:
    """a third party's op in C++ that adds, called from Python, one element"""
    library = context.scratch / f"libtwice_{context.library}.so"
    if not library.is_file():
        _compile(context, library)
    context.lib.ops.load_library(str(library))
    x, op = context.lib.ones(1), context.lib.ops.bench.twice
    return lambda: op(x)


def _compile(context: Context, library: Path) -> None:
    flags = ["-std=c++20", "-O2", "-shared", "-fPIC", str(SOURCE / f"{context.library}.cpp"), "-o", str(library)]
    if context.library == "torch":
        root = Path(context.lib.__file__).parent
        flags += [f"-I{root}/include", f"-I{root}/include/torch/csrc/api/include", f"-I{sysconfig.get_path('include')}"]
        flags += [f"-L{root}/lib", "-ltorch_cpu", "-lc10"]
        flags += [f"-D_GLIBCXX_USE_CXX11_ABI={int(context.lib.compiled_with_cxx11_abi())}"]
    else:
        flags += [f"-I{context.lib.get_include()}"]
    subprocess.run([os.environ.get("CXX", "g++"), *flags], check=True)
