"""What the examples share: their options, the digits, and curves as PNG."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

import tallow  # noqa: E402
from tallow import Tensor  # noqa: E402
from tallow.data.readers.idx import load_idx  # noqa: E402

#: E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI, 1998, CC BY 4.0; scikit-learn's copy.
DIGITS = Path(__file__).resolve().parents[3] / "tools" / "demo"


def options(description: str, *, epochs: int, lr: float, batch_size: int) -> argparse.ArgumentParser:
    """Options that every example has. An epoch is what the example says it is."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--lr", type=float, default=lr)
    parser.add_argument("--batch-size", type=int, default=batch_size)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="default: all processors")
    parser.add_argument("--out", type=Path, default=Path("example-out"), help="folder for the PNG and the checkpoint")
    return parser


def prepare(args: argparse.Namespace) -> None:
    """Seed, threads and the folder for results."""
    if args.threads:
        tallow.set_num_threads(args.threads)
    tallow.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)


def digits() -> tuple[Tensor, Tensor]:
    """1,797 handwritten digits: images (N, 1, 8, 8) in [0, 1] and labels (N,), shuffled once and for all."""
    images = load_idx(DIGITS / "digits-images-idx3-ubyte.gz").float() / 16
    labels = load_idx(DIGITS / "digits-labels-idx1-ubyte.gz").long()
    order = tallow.randperm(len(labels), generator=tallow.Generator().manual_seed(1))
    return images[order].unsqueeze(1), labels[order]


def curves(path: Path, title: str, x: str, y: str, lines: dict[str, list[float]], *, log: bool = False) -> None:
    """Lines over 1, 2, 3, ... as a PNG."""
    figure, axes = plt.subplots(figsize=(7, 4), dpi=120)
    for name, values in lines.items():
        axes.plot(range(1, len(values) + 1), values, label=name)
    axes.set(title=title, xlabel=x, ylabel=y, yscale="log" if log else "linear")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def images(path: Path, rows: list[Tensor]) -> None:
    """Rows of images (n, 1, height, width) in [0, 1] as one PNG."""
    sheet = tallow.cat([tallow.cat(list(row.squeeze(1)), 1) for row in rows], 0)
    sheet = sheet.repeat_interleave(6, 0).repeat_interleave(6, 1)
    plt.imsave(path, sheet.detach().clamp(0, 1).numpy(), cmap="gray_r", vmin=0, vmax=1)
