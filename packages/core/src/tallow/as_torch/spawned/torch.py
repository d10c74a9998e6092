"""What ``import torch`` finds first in a process that a program under tallow.as_torch spawned."""

import sys

import tallow.as_torch

del sys.modules["torch"]
tallow.as_torch.install()
__import__("torch")
