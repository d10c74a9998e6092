"""Steps of the programs whose loss curves tests-integration/parity compares, and of every optimizer."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import Context, workload

SOURCE = Path(__file__).resolve().parents[3] / "tests-integration" / "parity" / "programs.py"


def _step(context: Context, name: str) -> Callable[[], Any]:
    import numpy as np

    spec = importlib.util.spec_from_file_location("programs", SOURCE)
    programs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(programs)
    lib, program = context.lib, getattr(programs, name)()
    context.module("nn")
    context.module("optim")
    model = program.model(lib)
    started = program.start(lib, model)
    arrays = program.batch(np.random.default_rng(0))
    batch = [lib.tensor(a if a.dtype.kind == "i" else a.astype("float32")) for a in arrays]
    return lambda: program.step(lib, model, started, *batch)


@workload("train.resnet18")
def resnet18(context: Context) -> Callable[[], Any]:
    """ResNet-18 on 12 x 12 images, batch 16, SGD with momentum and a cosine schedule"""
    return _step(context, "ResNet18")


@workload("train.gpt")
def gpt(context: Context) -> Callable[[], Any]:
    """a GPT of two layers, width 64, batch 8 x 32, AdamW in two groups, clipped gradients"""
    return _step(context, "Gpt")


@workload("train.lstm")
def lstm(context: Context) -> Callable[[], Any]:
    """two layers of LSTM, width 48, batch 8 x 24, Adam"""
    return _step(context, "Lstm")


@workload("train.vae")
def vae(context: Context) -> Callable[[], Any]:
    """a variational auto-encoder of 196 pixels, batch 16, RMSprop"""
    return _step(context, "Vae")


@workload("train.dcgan")
def dcgan(context: Context) -> Callable[[], Any]:
    """a DCGAN on 16 x 16 images, batch 16, both networks"""
    return _step(context, "Dcgan")


def _register(name: str) -> None:
    def prepare(context: Context) -> Callable[[], Any]:
        weights = [context.module("nn").Parameter(context.lib.rand(8, 8)) for _ in range(150)]
        for w in weights:
            w.grad = context.lib.rand(8, 8)
        return getattr(context.module("optim"), name)(weights, lr=1e-4).step

    prepare.__doc__ = f"{name} step over 150 tensors of 64 floats"
    workload(f"optim.small.{name.lower()}")(prepare)


for optimizer in (
    "SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD", "Adafactor",
):  # fmt: skip
    _register(optimizer)
