"""The demo's two pictures."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from tallow import Tensor  # noqa: E402


def learning_curve(history: dict[str, list[float]], path: Path) -> None:
    """Training loss and held-out accuracy by epoch."""
    epochs = range(1, len(history["loss"]) + 1)
    figure, left = plt.subplots(figsize=(7, 4), dpi=120)
    left.plot(epochs, history["loss"], color="tab:blue", label="training loss")
    left.set_xlabel("epoch")
    left.set_ylabel("cross entropy", color="tab:blue")
    left.set_yscale("log")
    right = left.twinx()
    right.plot(epochs, [100 * a for a in history["accuracy"]], color="tab:orange", label="held-out accuracy")
    right.set_ylabel("accuracy, %", color="tab:orange")
    left.set_title(f"Handwritten digits: {history['accuracy'][-1]:.2%} of the held-out ones")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def predictions(
    images: Tensor, labels: Tensor, probabilities: Tensor, path: Path, rows: int = 5, columns: int = 10
) -> None:
    """Held-out digits with the network's answer, the mistaken and the least certain first."""
    confidence, guess = probabilities.max(1)
    order = (confidence + (guess == labels).to(confidence.dtype)).argsort()[: rows * columns]
    figure, axes = plt.subplots(rows, columns, figsize=(columns, rows * 1.25), dpi=120)
    for ax, i in zip(axes.flat, order.tolist(), strict=False):
        ax.imshow(images[i, 0].numpy(), cmap="gray_r")
        right = guess[i].item() == labels[i].item()
        text = f"{guess[i].item()} ({confidence[i].item():.0%})" + ("" if right else f", is {labels[i].item()}")
        ax.set_title(text, fontsize=7, color="black" if right else "red")
        ax.axis("off")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
