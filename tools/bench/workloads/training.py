"""Steps of training: forward, loss, backward, optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import Context, workload


def _step(context: Context, model: Any, x: Any, classes: int, optimizer: Any) -> Callable[[], Any]:
    loss_of = context.module("nn").CrossEntropyLoss()
    y = context.lib.randint(0, classes, (len(x),))

    def step() -> None:
        optimizer.zero_grad()
        loss_of(model(x), y).backward()
        optimizer.step()

    return step


@workload("train.mlp")
def mlp(context: Context) -> Callable[[], Any]:
    """784-256-256-10 perceptron, batch 64, SGD with momentum"""
    nn = context.module("nn")
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = context.module("optim").SGD(model.parameters(), lr=0.01, momentum=0.9)
    return _step(context, model, context.lib.rand(64, 784), 10, optimizer)


@workload("train.lenet")
def lenet(context: Context) -> Callable[[], Any]:
    """LeNet-5 with ReLU and max pooling on 28 x 28, batch 64, AdamW"""
    nn = context.module("nn")
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
    optimizer = context.module("optim").AdamW(model.parameters(), lr=1e-3)
    return _step(context, model, context.lib.rand(64, 1, 28, 28), 10, optimizer)


@workload("optim.adamw")
def adamw(context: Context) -> Callable[[], Any]:
    """AdamW step over 50 tensors of 10,000 floats"""
    return _optimizer(context, "AdamW", lr=1e-3)


@workload("optim.sgd")
def sgd(context: Context) -> Callable[[], Any]:
    """SGD step with momentum over 50 tensors of 10,000 floats"""
    return _optimizer(context, "SGD", lr=1e-3, momentum=0.9)


def _optimizer(context: Context, name: str, **options: float) -> Callable[[], Any]:
    weights = [context.module("nn").Parameter(context.lib.rand(10_000)) for _ in range(50)]
    for w in weights:
        w.grad = context.lib.rand(10_000)
    return getattr(context.module("optim"), name)(weights, **options).step


@workload("data.epoch")
def epoch(context: Context) -> Callable[[], Any]:
    """a shuffled epoch of 10,000 samples of 64 floats, in batches of 32, in process"""
    data = context.module("utils.data")
    lib = context.lib
    samples = data.TensorDataset(lib.rand(10_000, 64), lib.arange(10_000))
    loader = data.DataLoader(samples, batch_size=32, shuffle=True)

    def walk() -> None:
        for _ in loader:
            pass

    return walk
