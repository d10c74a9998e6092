"""Trains a small convolutional network on handwritten digits and shows what it learnt.

    python tools/dev.py demo [--data DIR] [--epochs N] [--threads N] [--out DIR]

Without --data it takes the 1,797 digits of 8x8 pixels beside this file (E. Alpaydin and C. Kaynak, "Optical recognition
of handwritten digits", UCI Machine Learning Repository, 1998, CC BY 4.0; the copy of scikit-learn). With --data it
takes the IDX files of MNIST or a relative from a folder. Written to --out: the learning curve and a page of
predictions as PNG, and a checkpoint, which is loaded back into a fresh network that must do as well.

The same seed gives the same bits, on any number of threads: the digest printed at the end says so.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from pathlib import Path

from tqdm import tqdm

import tallow
import tallow.nn.functional as F
from plots import learning_curve, predictions
from tallow import Tensor, nn, optim
from tallow.data import DataLoader, TensorDataset
from tallow.data.readers.idx import load_idx, load_mnist

HERE = Path(__file__).parent


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with IDX files (train-images-idx3-ubyte ...)")
    parser.add_argument("--epochs", type=int, help="default: 25 for the embedded digits, 3 for --data")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="default: all processors")
    parser.add_argument("--out", type=Path, default=Path("demo-out"))
    return parser.parse_args()


def embedded_digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training and held-out images (N, 8, 8) in [0, 1] and labels; every fifth digit of a shuffle is held out."""
    images = load_idx(HERE / "digits-images-idx3-ubyte.gz").float() / 16
    labels = load_idx(HERE / "digits-labels-idx1-ubyte.gz").long()
    order = tallow.randperm(len(images), generator=tallow.Generator().manual_seed(1))
    held, used = order[::5], tallow.cat([order[i::5] for i in range(1, 5)])
    return images[used], labels[used], images[held], labels[held]


def idx_digits(folder: Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x, y = load_mnist(folder, train=True)
    xt, yt = load_mnist(folder, train=False)
    return x.float() / 255, y.long(), xt.float() / 255, yt.long()


def network(side: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.Linear(64 * (side // 2) ** 2, 128),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(128, 10),
    )


def shifted(x: Tensor) -> Tensor:
    """Each image moved by up to one pixel in each direction: writing is not centred to the pixel."""
    height, width = x.shape[-2:]
    places = tallow.randint(0, 3, (len(x), 2)).tolist()
    wide = F.pad(x, (1, 1, 1, 1))
    return tallow.stack([image[:, d : d + height, r : r + width] for image, (d, r) in zip(wide, places, strict=True)])


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    model.eval()
    with tallow.no_grad():
        right = sum(int((model(a).argmax(1) == b).sum()) for a, b in zip(x.split(512), y.split(512), strict=True))
    return right / len(y)


def train(
    model: nn.Module, x: Tensor, y: Tensor, xt: Tensor, yt: Tensor, args: argparse.Namespace
) -> dict[str, list[float]]:
    loader = DataLoader(TensorDataset(x, y), batch_size=args.batch_size, shuffle=True)
    optimizer = optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
    history: dict[str, list[float]] = {"loss": [], "accuracy": []}
    bar = tqdm(total=args.epochs * len(loader), unit="step", file=sys.stdout)
    for _ in range(args.epochs):
        model.train()
        total = 0.0
        for a, b in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(shifted(a)), b, label_smoothing=0.1)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(b)
            bar.update()
        schedule.step()
        history["loss"].append(total / len(x))
        history["accuracy"].append(accuracy(model, xt, yt))
        bar.set_postfix(loss=f"{history['loss'][-1]:.4f}", held_out=f"{history['accuracy'][-1]:.2%}")
    bar.close()
    return history


def digest(model: nn.Module) -> str:
    """A hash over the bits of all parameters."""
    h = hashlib.sha256()
    for p in model.parameters():
        h.update(memoryview(p.detach().contiguous()).cast("B"))
    return h.hexdigest()[:16]


def main() -> int:
    args = arguments()
    if args.epochs is None:
        args.epochs = 3 if args.data else 25
    if args.threads:
        tallow.set_num_threads(args.threads)
    tallow.manual_seed(args.seed)
    x, y, xt, yt = idx_digits(args.data) if args.data else embedded_digits()
    x, xt = x.unsqueeze(1), xt.unsqueeze(1)
    size = f"{x.shape[-2]}x{x.shape[-1]} pixels"
    print(f"{len(x)} digits to learn from, {len(xt)} held out, {size}, {tallow.get_num_threads()} threads")

    model = network(x.shape[-1])
    started = time.perf_counter()
    history = train(model, x, y, xt, yt, args)
    seconds = time.perf_counter() - started
    final = accuracy(model, xt, yt)

    args.out.mkdir(parents=True, exist_ok=True)
    tallow.save({"model": model.state_dict(), "history": history}, args.out / "digits.tallow")
    again = network(x.shape[-1])
    again.load_state_dict(tallow.load(args.out / "digits.tallow")["model"])
    reloaded = accuracy(again, xt, yt)

    learning_curve(history, args.out / "learning-curve.png")
    with tallow.no_grad():
        guesses = model.eval()(xt).softmax(1)
    predictions(xt, yt, guesses, args.out / "predictions.png")

    print(f"trained in {seconds:.1f} s, held-out accuracy {final:.2%}, parameters {digest(model)}")
    print(f"checkpoint loaded back: {reloaded:.2%}, parameters {digest(again)}")
    print(f"written: {', '.join(str(p) for p in sorted(args.out.iterdir()))}")
    if reloaded != final or digest(again) != digest(model):
        print("the checkpoint does not give the same network", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
