"""One measurement in a process of its own: `worker.py WORKLOAD LIBRARY THREADS SECONDS SCRATCH`.

A timed workload is called until SECONDS are over, in blocks long enough for the clock; the figure is the median block's
time per call. A workload with another unit returns its figure itself.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from workloads import WORKLOADS, Context

BLOCK = 5e-3  # seconds; far above the clock's grain, far below a time slice of a busy machine


def seconds_per_call(call: Callable[[], Any], seconds: float) -> float:
    now = time.perf_counter
    call()
    begin, count = now(), 0
    while now() - begin < max(seconds / 10, 2e-2) or not count:  # caches, clock and lazy parts get warm
        call()
        count += 1
    repeats = range(max(1, int(BLOCK * count / (now() - begin))))
    blocks = []
    end = now() + seconds
    while now() < end or len(blocks) < 3:
        start = now()
        for _ in repeats:
            call()
        blocks.append((now() - start) / len(repeats))
    return median(blocks)


def main(name: str, library: str, threads: str, seconds: str, scratch: str) -> None:
    workload = WORKLOADS[name]
    context = Context(library, Path(scratch), int(threads))
    if not workload.measures_itself:
        lib = context.lib = importlib.import_module(library)
        lib.set_num_threads(int(threads))
        lib.manual_seed(0)
    prepared = workload.prepare(context)
    value = prepared() if workload.measures_itself else seconds_per_call(prepared, float(seconds))
    print(json.dumps({"value": value}))


if __name__ == "__main__":
    main(*sys.argv[1:])
