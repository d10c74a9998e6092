"""The network of fine_tune.py, under either name of the library: `net(nn)`."""

from __future__ import annotations

from typing import Any


def net(nn: Any, classes: int) -> Any:
    """Digits (N, 1, 8, 8) to logits (N, classes): two convolutions with batch normalisation, and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 4, classes),
    )
