"""A network that torch trained on the digits 0 to 4 learns 5 to 9 from a few examples.

    python packages/tallow/examples/fine_tune.py [--checkpoint FILE] [--epochs N] [--out DIR]

The checkpoint, pretrained.pt, was written by torch (make_pretrained.py); reading it needs no torch, and runs none of
what is in it. Its last layer is replaced. First that layer alone is trained, then everything, more slowly; beside it
the same network learns from nothing. Written to --out: both curves as PNG, and a checkpoint that torch can read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

import tallow
import tallow.nn.functional as F
from digit_net import net
from support import curves, digits, options, prepare
from tallow import Tensor, nn, optim
from tallow.data import DataLoader, TensorDataset


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    model.eval()
    with tallow.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def train(
    model: nn.Sequential,
    groups: list[dict[str, Any]],
    loader: DataLoader,
    test: tuple[Tensor, Tensor],
    args: argparse.Namespace,
    bar: tqdm,
    frozen: int = 0,
) -> list[float]:
    """Accuracy after each epoch. For the first ``frozen`` epochs only the last layer learns."""
    optimizer = optim.SGD(groups, lr=args.lr, momentum=0.9)
    result = []
    for epoch in range(args.epochs):
        for p in model[:-1].parameters():
            p.requires_grad_(epoch >= frozen)
        model.train()
        if epoch < frozen:
            model[:-1].eval()  # its running statistics stay as torch left them
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            bar.update()
        result.append(accuracy(model, *test))
        bar.set_postfix(accuracy=f"{result[-1]:.2%}")
    return result


def main() -> int:
    parser = options(__doc__.split("\n")[0], epochs=12, lr=0.05, batch_size=20)
    parser.add_argument("--checkpoint", type=Path, default=Path(__file__).with_name("pretrained.pt"))
    parser.add_argument("--examples", type=int, default=40, help="labelled digits to learn from")
    args = parser.parse_args()
    prepare(args)
    x, y = digits()
    x, y = x[y >= 5], y[y >= 5] - 5
    few = TensorDataset(x[: args.examples], y[: args.examples])
    test = (x[-400:], y[-400:])
    loader = DataLoader(few, batch_size=args.batch_size, shuffle=True)

    checkpoint = tallow.load(args.checkpoint)
    print(f"{args.checkpoint.name}: {', '.join(checkpoint)}; torch stopped after epoch {checkpoint['epoch']}")
    tuned, fresh = net(nn, 5), net(nn, 5)
    tuned.load_state_dict(checkpoint["state_dict"])
    tuned[-1] = nn.Linear(tuned[-1].in_features, 5)
    slow = [{"params": tuned[:-1].parameters(), "lr": args.lr / 5}, {"params": tuned[-1].parameters()}]

    bar = tqdm(total=2 * args.epochs * len(loader), unit="step", file=sys.stdout)
    history = {
        "from the checkpoint": train(tuned, slow, loader, test, args, bar, frozen=args.epochs // 3),
        "from nothing": train(fresh, [{"params": fresh.parameters()}], loader, test, args, bar),
    }
    bar.close()
    curves(args.out / "fine-tune-curve.png", f"{args.examples} examples of new digits", "epoch", "accuracy", history)
    tallow.save({"state_dict": tuned.state_dict(), "history": history}, args.out / "tuned.pt")
    again = net(nn, 5)
    again.load_state_dict(tallow.load(args.out / "tuned.pt")["state_dict"])
    for name, values in history.items():
        print(f"{name}: {values[-1]:.2%} of new digits right, {values[0]:.2%} after one epoch")
    print(f"written: {', '.join(str(p) for p in sorted(args.out.iterdir()))}")
    return 0 if accuracy(again, *test) == history["from the checkpoint"][-1] else 1


if __name__ == "__main__":
    sys.exit(main())
