"""A transformer learns to spell from twenty sonnets, character by character.

    python packages/tallow/examples/char_transformer.py [--epochs N] [--text FILE] [--out DIR]

The text is sonnets.txt: W. Shakespeare, "Sonnets", 1609 (public domain), numbers 1 to 20 as Project Gutenberg's eBook
1041 has them, without headings and indentation. An epoch is 50 batches of random pieces. Written to --out: the curve as
PNG, what the network writes, and a checkpoint. The same seed gives the same sonnet on any number of threads.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tqdm import tqdm

import tallow
import tallow.nn.functional as F
from support import curves, options, prepare
from tallow import Tensor, nn, optim


class Block(nn.Module):
    """Self-attention to what came before, then a layer on each character; norms first (A. Radford et al., 2019)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).reshape(n, length, width))
        return x + self.mlp(self.norm2(x))


class CharTransformer(nn.Module):
    """Characters (N, L) to the logits of the next ones (N, L, characters)."""

    def __init__(self, characters: int, width: int, heads: int, layers: int, context: int) -> None:
        super().__init__()
        self.context = context
        self.token, self.position = nn.Embedding(characters, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, characters, bias=False)
        self.apply(self._start)

    def _start(self, module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token(tokens) + self.position(tallow.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))

    @tallow.no_grad()
    def write(self, start: Tensor, count: int, temperature: float = 0.8) -> Tensor:
        """Continues the characters ``start`` (L,) by ``count`` more."""
        for _ in range(count):
            logits = self(start[-self.context :].unsqueeze(0))[0, -1] / temperature
            start = tallow.cat([start, tallow.multinomial(logits.softmax(0), 1)])
        return start


def pieces(text: Tensor, count: int, length: int) -> tuple[Tensor, Tensor]:
    """Random pieces (count, length) of the text, and what follows each of their characters."""
    begin = tallow.randint(len(text) - length, (count, 1))
    index = begin + tallow.arange(length)
    return text[index], text[index + 1]


def main() -> int:
    parser = options(__doc__.split("\n")[0], epochs=20, lr=3e-3, batch_size=16)
    parser.add_argument("--text", type=Path, default=Path(__file__).with_name("sonnets.txt"))
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--context", type=int, default=64)
    parser.add_argument("--steps", type=int, default=50, help="batches in an epoch")
    args = parser.parse_args()
    prepare(args)
    text = args.text.read_text(encoding="utf-8")
    letters = sorted(set(text))
    code = tallow.tensor([letters.index(c) for c in text])
    used, held = code[: len(code) * 9 // 10], code[len(code) * 9 // 10 :]
    shape = {"characters": len(letters), "width": args.width, "heads": 4, "layers": args.layers}
    model = CharTransformer(**shape, context=args.context)
    optimizer = optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.05)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs * args.steps)
    print(f"{len(text)} characters, {len(letters)} different; {sum(p.numel() for p in model.parameters())} parameters")

    history: dict[str, list[float]] = {"training": [], "held out": []}
    bar = tqdm(total=args.epochs * args.steps, unit="step", file=sys.stdout)
    for _ in range(args.epochs):
        model.train()
        total = 0.0
        for _ in range(args.steps):
            x, y = pieces(used, args.batch_size, args.context)
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
            bar.update()
        model.eval()
        with tallow.no_grad():
            count = (len(held) - 1) // args.context
            x, y = held[: count * args.context].view(count, -1), held[1 : count * args.context + 1].view(count, -1)
            history["held out"].append(F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item())
        history["training"].append(total / args.steps)
        bar.set_postfix(training=f"{history['training'][-1]:.3f}", held_out=f"{history['held out'][-1]:.3f}")
    bar.close()

    tallow.save({"shape": shape, "context": args.context, "model": model.state_dict()}, args.out / "sonnets.pt")
    loaded = tallow.load(args.out / "sonnets.pt")
    again = CharTransformer(**loaded["shape"], context=loaded["context"])
    again.load_state_dict(loaded["model"])
    written = "".join(letters[i] for i in again.eval().write(code[:10], 300).tolist())
    (args.out / "sonnet.txt").write_text(written, encoding="utf-8")
    curves(args.out / "sonnets-curve.png", "Characters of sonnets", "epoch", "cross entropy, nats", history)
    print(written)
    print(f"written: {', '.join(str(p) for p in sorted(args.out.iterdir()))}")
    return 0 if history["training"][-1] < history["training"][0] or args.epochs == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
