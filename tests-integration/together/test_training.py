"""nn, optim, data, autograd and serialization in one program."""

import numpy as np
import pytest

import tallow
import tallow.nn as nn
from tallow.data import DataLoader, TensorDataset


def digits(count: int, seed: int) -> TensorDataset:
    """Ten fixed 8x8 patterns under noise: as easy as digits are for a network, and not separable pixel by pixel."""
    patterns = np.random.default_rng(0).normal(size=(10, 64))
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    images = patterns[labels] + 0.8 * random.normal(size=(count, 64))
    return TensorDataset(tallow.from_numpy(images.astype("float32")), tallow.from_numpy(labels))


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))


def accuracy(model: nn.Module, data: TensorDataset) -> float:
    model.eval()
    with tallow.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in DataLoader(data, batch_size=100))
    model.train()
    return hits / len(data)


def train(model, optimizer, data, epochs, schedule=None):
    generator = tallow.Generator().manual_seed(1)
    losses = []
    for _ in range(epochs):
        for x, y in DataLoader(data, batch_size=50, shuffle=True, generator=generator):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if schedule:
            schedule.step()
    return losses


OPTIMIZERS = {
    "SGD": lambda p: tallow.optim.SGD(p, lr=0.1, momentum=0.9),
    "AdamW": lambda p: tallow.optim.AdamW(p, lr=3e-3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_learns(name):
    tallow.manual_seed(0)
    model = network()
    optimizer = OPTIMIZERS[name](model.parameters())
    schedule = tallow.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.3)
    losses = train(model, optimizer, digits(1000, seed=1), epochs=6, schedule=schedule)
    assert losses[-1] < 0.2 * losses[0]
    assert accuracy(model, digits(500, seed=2)) > 0.95


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_checkpoint_goes_on_where_it_stopped(name, tmp_path):
    """Saved in the middle and loaded into new objects, training ends with the same bits as without a break."""
    data = digits(400, seed=3)
    tallow.manual_seed(0)
    model = network()
    optimizer = OPTIMIZERS[name](model.parameters())
    train(model, optimizer, data, epochs=2)
    tallow.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "middle.pt")
    want = train(model, optimizer, data, epochs=2)

    other = network()
    other_optimizer = OPTIMIZERS[name](other.parameters())
    checkpoint = tallow.load(tmp_path / "middle.pt")
    other.load_state_dict(checkpoint["model"])
    other_optimizer.load_state_dict(checkpoint["optimizer"])
    assert train(other, other_optimizer, data, epochs=2) == want
    x = data.tensors[0]
    assert tallow.equal(model(x), other(x))


def test_the_fused_step_is_the_plain_step():
    """optim's native step and autograd's gradients, against the update written out in NumPy."""
    tallow.manual_seed(0)
    model = network()
    optimizer = tallow.optim.SGD(model.parameters(), lr=0.5, weight_decay=0.1)
    x, y = digits(20, seed=4).tensors
    nn.functional.cross_entropy(model(x), y).backward()
    want = [p.detach().numpy() * (1 - 0.5 * 0.1) - 0.5 * p.grad.numpy() for p in model.parameters()]
    optimizer.step()
    for p, w in zip(model.parameters(), want, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), w, rtol=1e-5, atol=1e-7)


def test_gradients_of_a_network():
    model = network().double()
    x = tallow.randn(3, 64, dtype=tallow.float64)
    y = tallow.tensor([1, 5, 9])
    parameters = tuple(p.detach().requires_grad_() for p in model.parameters())

    def loss(w1, b1, w2, b2):
        hidden = tallow.tanh(nn.functional.linear(x[:, :6], w1[:4, :6], b1[:4]))
        return nn.functional.cross_entropy(nn.functional.linear(hidden, w2[:, :4], b2), y)

    assert tallow.autograd.gradcheck(loss, parameters, fast_mode=True)
