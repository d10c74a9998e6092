"""Write torch_checkpoint.pt, torch_legacy.pt and torch_module.pt, which test_serialization_torch.py reads."""

import pathlib
from collections import OrderedDict

import torch

HERE = pathlib.Path(__file__).parent


def main():
    base = torch.arange(6, dtype=torch.float32).view(2, 3)
    state = OrderedDict(weight=base, transposed=base.t())
    state._metadata = OrderedDict({"": {"version": 1}})
    obj = {
        "state": state,
        "row": base[1],
        "parameter": torch.nn.Parameter(torch.tensor([1.0, 2.0])),
        "dtypes": [
            torch.tensor([1, 0, 1]).to(getattr(torch, name))
            for name in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float64")
        ],
        "complex": torch.tensor([1 + 2j, 3 - 4j]),
        "lazy": torch.tensor([1 + 2j]).conj(),
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0, 3),
        "meta": torch.empty(2, 3, device="meta"),
        "uint16": torch.tensor([1, 65535], dtype=torch.uint16),
        "plain": [1, -(1 << 80), 2.5, "text", b"\x00\xff", None, True, (1, (2,)), 3j, {1, 2}, frozenset([3])],
        "torch": (torch.float16, torch.device("cpu"), torch.Size([2, 3])),
        5: "five",
        (1, "a"): "tuple",
    }
    torch.save(obj, HERE / "torch_checkpoint.pt")
    old = {key: value for key, value in obj.items() if key not in ("meta", "uint16")}
    torch.save(old, HERE / "torch_legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.ReLU(), HERE / "torch_module.pt")


if __name__ == "__main__":
    main()
