"""Trains for ever and saves after every few steps: `trainer.py CHECKPOINT`. Goes on where the checkpoint stops.

A checkpoint says which parameters it has: it carries their digest, so that a mixture of two would be noticed.
"""

import hashlib
import os
import sys

import tallow
from tallow import nn, optim


def digest(state):
    h = hashlib.sha256()
    for tensor in state.values():
        h.update(memoryview(tensor.detach().contiguous()).cast("B"))
    return h.hexdigest()


def main(path):
    tallow.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = optim.AdamW(model.parameters())
    step = 0
    if os.path.exists(path):
        checkpoint = tallow.load(path)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        step = checkpoint["step"]
        assert digest(checkpoint["model"]) == checkpoint["digest"], "the checkpoint is not what was saved"
    print(step, flush=True)
    while True:
        for _ in range(2):
            loss = nn.functional.cross_entropy(model(tallow.randn(16, 64)), tallow.randint(10, (16,)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
        state = model.state_dict()
        saved = {"model": state, "optimizer": optimizer.state_dict(), "step": step, "digest": digest(state)}
        tallow.save(saved, path)
        print(step, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
