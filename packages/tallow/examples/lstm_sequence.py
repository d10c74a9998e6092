"""An LSTM learns to continue a signal (S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", 1997).

    python packages/tallow/examples/lstm_sequence.py [--epochs N] [--out DIR]

The signals are sums of two waves whose frequency, phase and strength vary, with noise. The network sees 80 values and
then goes on by itself, each value that it predicts being the next that it sees. Written to --out: the curve, a forecast
beside the truth as PNG, and a checkpoint.
"""

from __future__ import annotations

import sys

from tqdm import tqdm

import tallow
import tallow.nn.functional as F
from support import curves, options, prepare
from tallow import Tensor, nn, optim
from tallow.data import DataLoader, TensorDataset

SEEN, AHEAD = 80, 40


def signals(count: int) -> Tensor:
    """(count, SEEN + AHEAD) values in about [-1, 1]."""
    time = tallow.arange(SEEN + AHEAD) / 10
    slow, fast, phase1, phase2, share = tallow.rand(5, count, 1)
    share = 0.3 + 0.4 * share
    wave = share * (time * (0.5 + slow) + 6.28 * phase1).sin()
    return wave + (1 - share) * (time * (1.5 + fast) + 6.28 * phase2).sin()


class Predictor(nn.Module):
    """Values (N, L) to predictions of the next ones (N, L), as changes of what was just seen."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, width, layers, batch_first=True)
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        hidden, state = self.lstm(x.unsqueeze(2), state)
        return x + self.head(hidden).squeeze(2), state

    @tallow.no_grad()
    def go_on(self, x: Tensor, count: int) -> Tensor:
        """``count`` values (N, count) after ``x``."""
        predicted, state = self(x)
        values = [predicted[:, -1:]]
        while len(values) < count:
            value, state = self(values[-1], state)
            values.append(value)
        return tallow.cat(values, 1)


def main() -> int:
    parser = options(__doc__.split("\n")[0], epochs=25, lr=4e-3, batch_size=64)
    parser.add_argument("--signals", type=int, default=1024)
    parser.add_argument("--width", type=int, default=64)
    args = parser.parse_args()
    prepare(args)
    clean = signals(args.signals)
    noisy = clean + 0.02 * tallow.randn_like(clean)
    held = signals(64)
    loader = DataLoader(TensorDataset(noisy), batch_size=args.batch_size, shuffle=True)
    model = Predictor(args.width, 2)
    optimizer = optim.AdamW(model.parameters(), lr=args.lr)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=args.lr, total_steps=args.epochs * len(loader))

    history: dict[str, list[float]] = {"next value, training": [], f"next {AHEAD} values, held out": []}
    bar = tqdm(total=args.epochs * len(loader), unit="step", file=sys.stdout)
    for _ in range(args.epochs):
        total = 0.0
        for (x,) in loader:
            loss = F.mse_loss(model(x[:, :-1])[0], x[:, 1:])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(x)
            bar.update()
        forecast = model.go_on(held[:, :SEEN], AHEAD)
        history["next value, training"].append(total / len(noisy))
        history[f"next {AHEAD} values, held out"].append(F.mse_loss(forecast, held[:, SEEN:]).item())
        bar.set_postfix({name: f"{values[-1]:.5f}" for name, values in history.items()})
    bar.close()

    tallow.save({"width": args.width, "model": model.state_dict()}, args.out / "lstm.pt")
    loaded = tallow.load(args.out / "lstm.pt")
    again = Predictor(loaded["width"], 2)
    again.load_state_dict(loaded["model"])
    forecast = again.go_on(held[:1, :SEEN], AHEAD)[0]
    curves(args.out / "lstm-curve.png", "Continuing a signal", "epoch", "squared error", history, log=True)
    lines = {"truth": held[0].tolist(), "forecast": [float("nan")] * SEEN + forecast.tolist()}
    curves(args.out / "lstm-forecast.png", f"Seen: {SEEN} values, predicted: {AHEAD}", "time", "value", lines)
    errors = history[f"next {AHEAD} values, held out"]
    print(f"squared error of a forecast of {AHEAD} values: {errors[0]:.4f} -> {errors[-1]:.4f}")
    print(f"written: {', '.join(str(p) for p in sorted(args.out.iterdir()))}")
    training = history["next value, training"]
    return 0 if training[-1] < training[0] or args.epochs == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
