"""Activations and normalisations, and a residual network made of them, on torch and on Tallow from equal weights."""

import numpy as np
import pytest

import tallow

torch = pytest.importorskip("torch")

MODULES = {
    "relu6": lambda nn: nn.ReLU6(),
    "elu": lambda nn: nn.ELU(0.7),
    "selu": lambda nn: nn.SELU(),
    "celu": lambda nn: nn.CELU(2.0),
    "gelu": lambda nn: nn.GELU(),
    "gelu by tanh": lambda nn: nn.GELU("tanh"),
    "silu": lambda nn: nn.SiLU(),
    "mish": lambda nn: nn.Mish(),
    "hardswish": lambda nn: nn.Hardswish(),
    "softplus": lambda nn: nn.Softplus(2.0, 3.0),
    "log sigmoid": lambda nn: nn.LogSigmoid(),
    "prelu": lambda nn: nn.PReLU(6),
    "glu": lambda nn: nn.GLU(1),
    "softmin": lambda nn: nn.Softmin(1),
    "batch norm": lambda nn: nn.BatchNorm2d(6, momentum=0.3),
    "cumulative batch norm": lambda nn: nn.BatchNorm2d(6, momentum=None),
    "batch norm without statistics": lambda nn: nn.BatchNorm2d(6, track_running_stats=False),
    "instance norm": lambda nn: nn.InstanceNorm2d(6, affine=True, track_running_stats=True),
    "group norm": lambda nn: nn.GroupNorm(3, 6),
    "layer norm": lambda nn: nn.LayerNorm((5, 4)),
    "rms norm": lambda nn: nn.RMSNorm(4),
    "local response norm": lambda nn: nn.LocalResponseNorm(3, 0.2, 0.6, 1.5),
}


def run(lib, make, channels_last):
    """Results in training, twice, and in evaluation; gradients; the state in the end."""
    random, module = np.random.default_rng(0), make(lib.nn)
    seen = []
    for mode in ("train", "train", "eval"):
        x = lib.tensor(random.normal(1.0, 2.0, size=(3, 6, 5, 4)).astype("float32"))
        if channels_last:
            x = x.contiguous(memory_format=lib.channels_last)
        x.requires_grad_(True)
        y = getattr(module, mode)()(x)
        y.backward(lib.tensor(random.normal(size=tuple(y.shape)).astype("float32")))
        seen += [y.detach().numpy(), x.grad.numpy()]
    seen += [p.grad.numpy() for p in module.parameters()]
    return seen, {name: value.numpy() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("name", MODULES)
def test_modules(name, channels_last):
    (want, want_state), (got, got_state) = (run(lib, MODULES[name], channels_last) for lib in (torch, tallow))
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5)
    assert list(got_state) == list(want_state)
    for key, value in want_state.items():
        np.testing.assert_allclose(got_state[key], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_cross_map_norm(size):
    x = np.random.default_rng(0).normal(size=(2, 7, 3, 4)).astype("float32")
    # Values only: torch's gradient is not that of its values, which keep the first channel in every window.
    want, got = (lib.nn.CrossMapLRN2d(size, 0.2, 0.6, 1.5)(lib.tensor(x)).numpy() for lib in (torch, tallow))
    np.testing.assert_allclose(got, want, rtol=1e-5)


def residual(lib):
    nn = lib.nn

    class Block(nn.Module):
        def __init__(self, channels, out, stride):
            super().__init__()
            self.conv1, self.norm1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
            self.conv2, self.norm2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
            self.short = nn.Conv2d(channels, out, 1, stride, bias=False)

        def forward(self, x):
            y = nn.functional.relu(self.norm1(self.conv1(x)))
            return nn.functional.relu(self.norm2(self.conv2(y)) + self.short(x), inplace=True)

    blocks = [Block(1, 8, 1), nn.GroupNorm(2, 8), nn.SiLU(), Block(8, 16, 2)]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 10))


def train(lib, weights):
    model, random = residual(lib), np.random.default_rng(1)
    model.load_state_dict({name: lib.tensor(value) for name, value in weights.items()})
    optimizer = lib.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    x = lib.tensor(random.normal(size=(32, 1, 8, 8)).astype("float32"))
    y = lib.tensor(random.integers(0, 10, 32))
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = lib.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with lib.no_grad():
        return losses, model.eval()(x).numpy()


def test_a_residual_network_learns_alike():
    torch.manual_seed(0)
    weights = {name: value.numpy().copy() for name, value in residual(torch).state_dict().items()}
    (want, want_scores), (got, got_scores) = (train(lib, weights) for lib in (torch, tallow))
    np.testing.assert_allclose(got, want, rtol=5e-3)
    np.testing.assert_allclose(got_scores, want_scores, rtol=0.05, atol=0.05)
    assert want[-1] < want[0]
