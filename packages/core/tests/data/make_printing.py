"""Write printing.json: what torch prints for each case. Run with torch installed when cases are added.

A case is (options, values, shape, dtype, grad): values are a list, or a pattern's name and length; complex numbers
are pairs; NaN and infinities are JSON's NaN and Infinity, as Python writes them.
"""

import json
import pathlib

import torch
from printing_cases import build

NAN, INF = float("nan"), float("inf")
FLOATS = [
    [0.0],
    [0.0, 0.0],
    [1.0, 2.0, 3.0],
    [1.5, 2],
    [1e-5, 1],
    [1e-5],
    [1e8],
    [1e9],
    [123456.7, 1],
    [1, 1000],
    [1, 1001],
    [1.5, 1500.5],
    [1.5, 1501],
    [NAN],
    [INF, -INF],
    [NAN, 0, 1],
    [NAN, 1.5, INF],
    [-1.5, 2, INF],
    [-0.0, 1],
    [3.4e38, 1e-38],
    [0.1, 0.2, 0.3],
    [0.0001],
    [0.00009999],
    [NAN, -1, 100000.0],
    [99999999.0],
    [100000001.0],
    [0, 1e-8],
    [5.0, 0, -7.0],
]
OPTIONS = [
    {},
    {"precision": 2},
    {"precision": 10},
    {"precision": 0},
    {"threshold": 5},
    {"threshold": 5, "edgeitems": 1},
    {"linewidth": 40},
    {"linewidth": 200},
    {"sci_mode": True},
    {"sci_mode": False},
    {"profile": "short"},
    {"profile": "full"},
]
SHAPES = [
    [],
    [1],
    [30],
    [1001],
    [2, 3],
    [3, 4, 5],
    [7, 150],
    [2, 2, 2, 2],
    [10, 10, 11],
    [2, 0],
    [0],
    [0, 3],
    [1200, 1],
]
DTYPES = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool", "complex64", "complex128"]


def cases():
    for options in OPTIONS:
        for values in FLOATS if options in ({}, {"sci_mode": True}, {"sci_mode": False}) else FLOATS[::5]:
            for dtype in ["float32", "float64", "float16", "bfloat16"] if not options else ["float32"]:
                yield options, values, [len(values)], dtype, ""
            pairs = [[a, b] for a, b in zip(values, values[::-1], strict=True)]
            yield options, pairs, [len(values)], "complex64", ""
        for shape in SHAPES:
            for dtype in DTYPES if not options else ["float32", "int64", "complex64"]:
                if options.get("profile") == "full" and shape not in ([30], [1001]):
                    continue
                yield options, "pattern", shape, dtype, ""
    for shape in SHAPES:
        for dtype in ("float32", "float64"):
            for grad in ("leaf", "add", "mul", "meta"):
                yield {}, "pattern", shape, dtype, grad
    yield {}, [2**63 - 1, -(2**63)], [2], "int64", ""


def main():
    rows = []
    for options, values, shape, dtype, grad in cases():
        torch.set_printoptions(profile="default")
        torch.set_printoptions(**options)
        text = repr(build(torch, values, shape, dtype, grad))
        rows.append(json.dumps([options, values, shape, dtype, grad, text], separators=(",", ":")))
    path = pathlib.Path(__file__).with_name("printing.json")
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n")
    print(len(rows), "cases")


if __name__ == "__main__":
    main()
