"""A variational autoencoder draws digits (D. Kingma and M. Welling, "Auto-Encoding Variational Bayes", 2014).

    python packages/tallow/examples/vae.py [--epochs N] [--out DIR]

Written to --out: the curve of the bound, digits with their reconstructions, and digits from nothing, as PNG; and a
checkpoint.
"""

from __future__ import annotations

import sys

from tqdm import tqdm

import tallow
import tallow.nn.functional as F
from support import curves, digits, images, options, prepare
from tallow import Tensor, nn, optim
from tallow.data import DataLoader, TensorDataset


class VAE(nn.Module):
    """Images (N, 1, 8, 8) to the mean and log-variance of a code, and codes back to the logits of pixels."""

    def __init__(self, code: int = 8, hidden: int = 256) -> None:
        super().__init__()
        self.code = code
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 16, hidden), nn.ReLU(), nn.Linear(hidden, 2 * code),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, 32 * 16), nn.ReLU(), nn.Unflatten(1, (32, 4, 4)),
            nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        code = mean + tallow.randn_like(mean) * (0.5 * log_variance).exp()
        return self.decoder(code), mean, log_variance

    def sample(self, count: int) -> Tensor:
        return self.decoder(tallow.randn(count, self.code)).sigmoid()


def bound(model: VAE, x: Tensor) -> Tensor:
    """The negative evidence lower bound per image: nats to describe the pixels, and to describe the code."""
    logits, mean, log_variance = model(x)
    pixels = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    code = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
    return (pixels + code) / len(x)


def main() -> int:
    args = options(__doc__.split("\n")[0], epochs=30, lr=2e-3, batch_size=64).parse_args()
    prepare(args)
    x, _ = digits()
    held, used = x[:297], x[297:]
    loader = DataLoader(TensorDataset(used), batch_size=args.batch_size, shuffle=True)
    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    history: dict[str, list[float]] = {"training": [], "held out": []}
    bar = tqdm(total=args.epochs * len(loader), unit="step", file=sys.stdout)
    for _ in range(args.epochs):
        model.train()
        total = 0.0
        for (batch,) in loader:
            optimizer.zero_grad()
            loss = bound(model, batch)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
            bar.update()
        model.eval()
        with tallow.no_grad():
            history["held out"].append(bound(model, held).item())
        history["training"].append(total / len(used))
        bar.set_postfix(training=f"{history['training'][-1]:.2f}", held_out=f"{history['held out'][-1]:.2f}")
    bar.close()

    tallow.save(model.state_dict(), args.out / "vae.pt")
    again = VAE()
    again.load_state_dict(tallow.load(args.out / "vae.pt"))
    with tallow.no_grad():
        rebuilt = again.eval()(held[:16])[0].sigmoid()
        images(args.out / "vae-digits.png", [held[:16], rebuilt, again.sample(16), again.sample(16)])
    curves(args.out / "vae-curve.png", "Variational autoencoder", "epoch", "bound, nats per digit", history)
    print(f"held-out bound {history['held out'][0]:.2f} -> {history['held out'][-1]:.2f} nats per digit")
    print(f"written: {', '.join(str(p) for p in sorted(args.out.iterdir()))}")
    return 0 if history["held out"][-1] < history["held out"][0] or args.epochs == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
