"""The same training program on torch and on Tallow: equal losses, step by step, from equal weights."""

import numpy as np
import pytest

import tallow

torch = pytest.importorskip("torch")

OPTIMIZERS = {
    "sgd": lambda lib, p: lib.optim.SGD(p, lr=0.05),
    "momentum": lambda lib, p: lib.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adamw": lambda lib, p: lib.optim.AdamW(p, lr=0.003, weight_decay=0.1),
    "amsgrad": lambda lib, p: lib.optim.AdamW(p, lr=0.003, amsgrad=True),
}
SCHEDULES = {
    "step": lambda lib, o: lib.optim.lr_scheduler.StepLR(o, step_size=4, gamma=0.5),
    "cosine": lambda lib, o: lib.optim.lr_scheduler.CosineAnnealingLR(o, T_max=12),
}


def convolutional(lib):
    nn = lib.nn
    return nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(54, 10))


def layered(lib):
    nn = lib.nn
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def losses(lib, make, weights, optimizer, schedule):
    model = make(lib)
    model.load_state_dict({name: lib.tensor(value) for name, value in weights.items()})
    optimizer = OPTIMIZERS[optimizer](lib, model.parameters())
    schedule = SCHEDULES[schedule](lib, optimizer)
    random = np.random.default_rng(1)
    x = lib.tensor(random.normal(size=(32, 1, 8, 8)).astype("float32"))
    y = lib.tensor(random.integers(0, 10, 32))
    seen = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = lib.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        seen.append(loss.item())
    return seen


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("make", [layered, convolutional])
def test_losses(make, optimizer, schedule):
    torch.manual_seed(0)
    weights = {name: value.numpy() for name, value in make(torch).state_dict().items()}
    want = losses(torch, make, weights, optimizer, schedule)
    got = losses(tallow, make, weights, optimizer, schedule)
    np.testing.assert_allclose(got, want, rtol=2e-4)
    assert want[-1] < want[0]
