"""Checkpoints go both ways, bit for bit: torch.load reads what Tallow writes, by its default, and the reverse."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import pytest

import tallow

torch = pytest.importorskip("torch")

DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32",
    "float64", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2",
]  # fmt: skip
SCRIPTS = sorted((Path(__file__).parents[1] / "as_torch" / "scripts").glob("*.py"))


def objects(T):
    """The same object of either library."""
    base = T.arange(24, dtype=T.float32).reshape(4, 6)
    state = OrderedDict(w=base, t=base.t(), row=base[1], part=base[1:3, ::2])
    state._metadata = OrderedDict({"": {"version": 1}})
    return {
        "state": state,
        "dtypes": [T.tensor([1, 0, 1]).to(getattr(T, name)) for name in DTYPES],
        "shapes": [T.empty(0, 3), T.tensor(2.5), T.ones(3).expand(2, 3), T.empty(2, 3, device="meta")],
        "parameter": T.nn.Parameter(T.ones(2, 2)),
        "frozen": T.nn.Parameter(T.ones(2), requires_grad=False),
        "grad": T.ones(2, requires_grad=True),
        "plain": [1, -1, 300, 70000, 1 << 40, -(1 << 80), 2.5, float("inf"), "text", b"\0\xff", None, True, (), (1,)],
        "more": [(1, 2, 3, 4), 3 + 4j, {1, 2}, {(1, "a"): "tuple", 5: None}, list(range(300)), ["k"] * 3],
        "torch": [T.Size([2, 3]), T.float16, T.device("cpu"), T.device("cuda:1")],
    }


def described(value):
    """What can be compared across libraries."""
    if isinstance(value, dict):
        return type(value).__name__, [(key, described(item)) for key, item in value.items()]
    if type(value).__name__ in ("Tensor", "Parameter"):
        facts = (tuple(value.shape), value.stride(), value.storage_offset(), value.requires_grad, value.device.type)
        data = None
        if value.device.type != "meta":
            plain = value.detach()
            data = (plain.double() if plain.dtype.is_floating_point else plain).tolist()
        return type(value).__name__, str(value.dtype).split(".")[1], facts, data
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [described(item) for item in value]
    return type(value).__name__, str(value).replace("tallow.", "torch.")


@pytest.mark.parametrize("mmap", [False, True])
def test_torch_reads_what_tallow_writes(tmp_path, mmap):
    obj = objects(tallow)
    obj["torch"].pop()
    tallow.save(obj, tmp_path / "x.pt")
    loaded = torch.load(tmp_path / "x.pt", mmap=mmap)
    assert described(loaded) == described(obj)
    assert loaded["state"]._metadata == obj["state"]._metadata
    assert len({loaded["state"][name].untyped_storage().data_ptr() for name in loaded["state"]}) == 1


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_tallow_reads_what_torch_writes(tmp_path, legacy, mmap):
    obj = objects(torch)
    if legacy:
        obj["shapes"].pop()
        obj["dtypes"] = [t for t in obj["dtypes"] if "uint" not in str(t.dtype) and "float8" not in str(t.dtype)]
    torch.save(obj, tmp_path / "x.pth", _use_new_zipfile_serialization=not legacy)
    loaded = tallow.load(tmp_path / "x.pth", mmap=mmap)
    assert described(loaded) == described(obj)
    assert loaded["state"]._metadata == obj["state"]._metadata
    assert len({loaded["state"][name]._storage_id() for name in loaded["state"]}) == 1


def test_training_goes_on_in_the_other_library(tmp_path):
    """Model and optimizer, from torch to Tallow and back."""

    def parts(T):
        model = T.nn.Sequential(T.nn.Linear(4, 8), T.nn.ReLU(), T.nn.Linear(8, 2))
        return model, T.optim.AdamW(model.parameters(), lr=0.01)

    def step(T, model, optimizer, seed):
        x = T.arange(12, dtype=T.float32).reshape(3, 4).add(seed).sin()
        optimizer.zero_grad()
        loss = (model(x) ** 2).sum()
        loss.backward()
        optimizer.step()
        return loss.item()

    first, second = parts(torch), parts(tallow)
    step(torch, *first, 0)
    torch.save([first[0].state_dict(), first[1].state_dict()], tmp_path / "a.pt")
    for part, state in zip(second, tallow.load(tmp_path / "a.pt"), strict=True):
        part.load_state_dict(state)
    assert step(tallow, *second, 1) == pytest.approx(step(torch, *first, 1), rel=1e-5)
    tallow.save([second[0].state_dict(), second[1].state_dict()], tmp_path / "b.pt")
    third = parts(torch)
    for part, state in zip(third, torch.load(tmp_path / "b.pt"), strict=True):
        part.load_state_dict(state)
    assert step(torch, *third, 2) == pytest.approx(step(torch, *first, 2), rel=1e-5)


def test_both_refuse_the_same(tmp_path):
    torch.save(torch.nn.ReLU(), tmp_path / "module.pt")
    for library in (torch, tallow):
        with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
            library.load(tmp_path / "module.pt")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_are_torchs(script, tmp_path):
    """What runs under tallow.as_torch in ../as_torch runs under torch."""
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
