"""Recurrent layers, attention, transformers and look-up tables on torch and on Tallow from equal weights."""

import numpy as np
import pytest

import tallow

torch = pytest.importorskip("torch")


def sequence(lib, random, *shape):
    return lib.tensor(random.normal(size=shape).astype("float32"))


def packed(lib, random):
    x = sequence(lib, random, 7, 4, 6)
    return (lib.nn.utils.rnn.pack_padded_sequence(x, [3, 7, 1, 5], enforce_sorted=False),)


def padded(lib, random):
    return (sequence(lib, random, 7, 4, 6),)


def three(lib, random):
    return tuple(sequence(lib, random, n, 4, 6) for n in (5, 7, 7))


def masked(lib, random):
    x = sequence(lib, random, 7, 4, 6)
    return x, lib.nn.Transformer.generate_square_subsequent_mask(7)


def pair(lib, random):
    return sequence(lib, random, 5, 4, 6), sequence(lib, random, 7, 4, 6)


def indices(lib, random):
    return (lib.tensor(random.integers(0, 9, (4, 5))),)


MODULES = {
    "lstm": (lambda nn: nn.LSTM(6, 8, 2, bidirectional=True), padded),
    "lstm with projection": (lambda nn: nn.LSTM(6, 8, 2, proj_size=3), padded),
    "lstm, packed": (lambda nn: nn.LSTM(6, 8, 2, bidirectional=True), packed),
    "gru": (lambda nn: nn.GRU(6, 8, 2, bidirectional=True), padded),
    "gru, packed": (lambda nn: nn.GRU(6, 8, 2, bias=False), packed),
    "rnn": (lambda nn: nn.RNN(6, 8, nonlinearity="relu"), padded),
    "attention": (lambda nn: nn.MultiheadAttention(6, 3), three),
    "attention with extra keys": (lambda nn: nn.MultiheadAttention(6, 2, add_bias_kv=True, add_zero_attn=True), three),
    "encoder layer": (lambda nn: nn.TransformerEncoderLayer(6, 3, 16, 0.0), masked),
    "encoder layer, normalized first": (lambda nn: nn.TransformerEncoderLayer(6, 3, 16, 0.0, norm_first=True), padded),
    "decoder layer": (lambda nn: nn.TransformerDecoderLayer(6, 3, 16, 0.0, "gelu"), pair),
    "transformer": (lambda nn: nn.Transformer(6, 2, 1, 1, 16, 0.0), pair),
    "embedding": (lambda nn: nn.Embedding(9, 4, padding_idx=2, scale_grad_by_freq=True), indices),
    "mean of bags": (lambda nn: nn.EmbeddingBag(9, 4, padding_idx=1), indices),
    "maxima of bags": (lambda nn: nn.EmbeddingBag(9, 4, mode="max"), indices),
}


def flatten(lib, value):
    if isinstance(value, tuple | list):
        return [t for v in value for t in flatten(lib, v)]
    return [value] if isinstance(value, lib.Tensor) and value.is_floating_point() else []


def run(lib, make, weights, inputs):
    """Results in training and their gradients, and results in evaluation."""
    module = make(lib.nn)
    module.load_state_dict({name: lib.tensor(value) for name, value in weights.items()})
    given = inputs(lib, np.random.default_rng(0))
    for t in flatten(lib, given):
        t.requires_grad_(t.dim() > 2)
    results = flatten(lib, module(*given))
    sum((t * t).sum() for t in results).backward()
    seen = [t.detach().numpy() for t in results]
    seen += [p.grad.numpy() for p in module.parameters()]
    seen += [t.grad.numpy() for t in flatten(lib, given) if t.grad is not None]
    with lib.no_grad():
        seen += [t.numpy() for t in flatten(lib, module.eval()(*given))]
    return seen


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    make, inputs = MODULES[name]
    torch.manual_seed(0)
    weights = {n: value.numpy().copy() for n, value in make(torch.nn).state_dict().items()}
    want, got = run(torch, make, weights, inputs), run(tallow, make, weights, inputs)
    for w, g in zip(want, got, strict=True):
        np.testing.assert_allclose(g, w, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize(
    "options",
    [{}, {"is_causal": True}, {"scale": 0.3}, {"attn_mask": "bool"}, {"attn_mask": "float"}, {"enable_gqa": True}],
    ids=str,
)
def test_scaled_dot_product_attention(options):
    random = np.random.default_rng(0)
    heads = 2 if "enable_gqa" in options else 4
    arrays = [
        random.normal(size=s).astype("float32") for s in [(2, 4, 150, 16), (2, heads, 170, 16), (2, heads, 170, 8)]
    ]
    mask = {"bool": random.random((150, 170)) > 0.3, "float": random.normal(size=(2, 1, 150, 170)).astype("float32")}
    seen = []
    for lib in (torch, tallow):
        given = {k: lib.tensor(mask[v]) if k == "attn_mask" else v for k, v in options.items()}
        tensors = [lib.tensor(a).requires_grad_() for a in arrays]
        result = lib.nn.functional.scaled_dot_product_attention(*tensors, **given)
        (result * result).sum().backward()
        seen.append([result.detach().numpy(), *(t.grad.numpy() for t in tensors)])
    for want, got in zip(*seen, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-3, atol=1e-4)


def characters(lib):
    nn = lib.nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.layers, self.head = (
                nn.Embedding(20, 16),
                nn.LSTM(16, 32, 2, batch_first=True),
                nn.Linear(32, 20),
            )

        def forward(self, x):
            return self.head(self.layers(self.table(x))[0])

    return Network()


def language(lib):
    nn, F = lib.nn, lib.nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.n1, self.n2, self.qkv, self.out = (
                nn.LayerNorm(32),
                nn.LayerNorm(32),
                nn.Linear(32, 96),
                nn.Linear(32, 32),
            )
            self.up, self.down = nn.Linear(32, 64), nn.Linear(64, 32)

        def forward(self, x):
            b, s, d = x.shape
            q, k, v = (t.view(b, s, 4, 8).transpose(1, 2) for t in self.qkv(self.n1(x)).split(d, dim=2))
            x = x + self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, s, d))
            return x + self.down(F.gelu(self.up(self.n2(x))))

    return nn.Sequential(nn.Embedding(20, 32), Block(), Block(), nn.LayerNorm(32), nn.Linear(32, 20))


def losses(lib, make, weights):
    model = make(lib)
    model.load_state_dict({name: lib.tensor(value) for name, value in weights.items()})
    optimizer = lib.optim.AdamW(model.parameters(), lr=3e-3)
    text = lib.tensor(np.random.default_rng(1).integers(0, 20, (8, 25)))
    seen = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = lib.nn.functional.cross_entropy(model(text[:, :-1]).reshape(-1, 20), text[:, 1:].reshape(-1))
        loss.backward()
        lib.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seen.append(loss.item())
    return seen


@pytest.mark.parametrize("make", [characters, language])
def test_losses(make):
    torch.manual_seed(0)
    weights = {name: value.numpy().copy() for name, value in make(torch).state_dict().items()}
    want, got = losses(torch, make, weights), losses(tallow, make, weights)
    np.testing.assert_allclose(got, want, rtol=2e-3)
    assert want[-1] < want[0]
