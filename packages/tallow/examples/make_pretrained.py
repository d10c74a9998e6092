"""Writes pretrained.pt with torch itself: the network of fine_tune.py, trained on the digits 0 to 4. Needs torch.

    python packages/tallow/examples/make_pretrained.py

The file is in the repository, so that fine_tune.py needs no torch.
"""

from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from digit_net import net
from support import digits


def main() -> None:
    torch.manual_seed(0)
    images, labels = (torch.from_numpy(t.numpy()) for t in digits())
    easy = labels < 5
    images, labels = images[easy], labels[easy]
    model = net(torch.nn, 5)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    epochs = 12
    for _ in range(epochs):
        for batch in torch.randperm(len(labels)).split(32):
            loss = cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(f"last loss: {loss.item():.4f}")
    state = {"epoch": epochs - 1, "state_dict": model.state_dict(), "optimizer": optimizer.state_dict()["param_groups"]}
    torch.save(state, Path(__file__).with_name("pretrained.pt"))


if __name__ == "__main__":
    main()
