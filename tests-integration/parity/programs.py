"""Training programs written once for any library with torch's names: ``lib`` is torch or tallow.

Each is a class: ``model(lib)`` makes the module, ``start(lib, model)`` its optimizers, ``step(...)`` trains on one
batch and returns the losses. Whatever is random comes from NumPy, so that both libraries see the same.
"""

import math

import numpy as np


def weights(model, seed=0):
    """Initial values for the parameters of a model by name: the same for every library."""
    random = np.random.default_rng(seed)
    values = {}
    for name, parameter in model.named_parameters():
        shape = tuple(parameter.shape)
        noise = random.normal(size=shape)
        if len(shape) > 1:
            values[name] = noise / math.sqrt(np.prod(shape[1:]))
        else:
            values[name] = (0.0 if "bias" in name else 1.0) + 0.02 * noise
    return values


class ResNet18:
    """ResNet-18 (He et al., 2015) in the form for small images, SGD with momentum and a cosine schedule."""

    def model(self, lib):
        nn = lib.nn

        class Block(nn.Module):
            def __init__(self, inputs, outputs, stride):
                super().__init__()
                self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
                self.bn1 = nn.BatchNorm2d(outputs)
                self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
                self.bn2 = nn.BatchNorm2d(outputs)
                self.down = nn.Identity()
                if stride != 1 or inputs != outputs:
                    self.down = nn.Sequential(
                        nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                    )

            def forward(self, x):
                relu = nn.functional.relu
                return relu(self.bn2(self.conv2(relu(self.bn1(self.conv1(x))))) + self.down(x))

        layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
        inputs = 64
        for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            layers += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
            inputs = outputs
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))

    def start(self, lib, model):
        optimizer = lib.optim.SGD(model.parameters(), lr=5e-4, momentum=0.9, weight_decay=5e-4)
        return optimizer, lib.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)

    def batch(self, random):
        labels = random.integers(0, 10, 16)
        patterns = np.random.default_rng(9).normal(size=(10, 3, 12, 12))
        return patterns[labels] + random.normal(size=(16, 3, 12, 12)), labels

    def step(self, lib, model, started, images, labels):
        optimizer, schedule = started
        optimizer.zero_grad()
        loss = lib.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        return [loss]


class Gpt:
    """A small GPT (Radford et al., 2019): AdamW with and without decay, warm-up, clipped gradients."""

    vocabulary, width, heads, context = 64, 64, 4, 32

    def model(self, lib):
        nn, width, heads = lib.nn, self.width, self.heads

        class Attention(nn.Module):
            def __init__(self):
                super().__init__()
                self.qkv = nn.Linear(width, 3 * width)
                self.out = nn.Linear(width, width)

            def forward(self, x):
                b, t, _ = x.shape
                q, k, v = (z.view(b, t, heads, width // heads).transpose(1, 2) for z in self.qkv(x).chunk(3, dim=-1))
                y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
                return self.out(y.transpose(1, 2).reshape(b, t, width))

        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.ln1, self.attention, self.ln2 = nn.LayerNorm(width), Attention(), nn.LayerNorm(width)
                self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

            def forward(self, x):
                x = x + self.attention(self.ln1(x))
                return x + self.mlp(self.ln2(x))

        outer = self

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.token = nn.Embedding(outer.vocabulary, width)
                self.position = nn.Embedding(outer.context, width)
                self.blocks = nn.Sequential(Block(), Block())
                self.ln = nn.LayerNorm(width)
                self.head = nn.Linear(width, outer.vocabulary, bias=False)
                self.head.weight = self.token.weight

            def forward(self, tokens):
                x = self.token(tokens) + self.position(lib.arange(tokens.shape[1]))
                return self.head(self.ln(self.blocks(x)))

        return Model()

    def start(self, lib, model):
        decayed = [p for p in model.parameters() if p.dim() > 1]
        others = [p for p in model.parameters() if p.dim() <= 1]
        groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
        optimizer = lib.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95))
        return optimizer, lib.optim.lr_scheduler.LambdaLR(optimizer, lambda t: min(1.0, (t + 1) / 10))

    def batch(self, random):
        start = random.integers(0, self.vocabulary, (8, 1))
        tokens = (start + 3 * np.arange(self.context + 1)) % self.vocabulary
        return tokens[:, :-1], tokens[:, 1:]

    def step(self, lib, model, started, tokens, targets):
        optimizer, schedule = started
        optimizer.zero_grad()
        logits = model(tokens)
        loss = lib.nn.functional.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))
        loss.backward()
        lib.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        return [loss]


class Lstm:
    """Two layers of LSTM (Hochreiter and Schmidhuber, 1997) that continue a sequence of symbols, Adam."""

    def model(self, lib):
        nn = lib.nn

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.embedding = nn.Embedding(32, 24)
                self.lstm = nn.LSTM(24, 48, num_layers=2, batch_first=True)
                self.head = nn.Linear(48, 32)

            def forward(self, tokens):
                return self.head(self.lstm(self.embedding(tokens))[0])

        return Model()

    def start(self, lib, model):
        return lib.optim.Adam(model.parameters(), lr=3e-3)

    def batch(self, random):
        tokens = (random.integers(0, 32, (8, 1)) + np.cumsum(np.arange(25) % 3 + 1)) % 32
        return tokens[:, :-1], tokens[:, 1:]

    def step(self, lib, model, optimizer, tokens, targets):
        optimizer.zero_grad()
        loss = lib.nn.functional.cross_entropy(model(tokens).transpose(1, 2), targets)
        loss.backward()
        optimizer.step()
        return [loss]


class Vae:
    """A variational auto-encoder (Kingma and Welling, 2013) of binary images, RMSprop."""

    def model(self, lib):
        nn = lib.nn

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.encoder = nn.Sequential(nn.Linear(196, 64), nn.ReLU())
                self.mean, self.log_variance = nn.Linear(64, 8), nn.Linear(64, 8)
                self.decoder = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 196))

            def forward(self, x, noise):
                h = self.encoder(x)
                mean, log_variance = self.mean(h), self.log_variance(h)
                return self.decoder(mean + noise * (0.5 * log_variance).exp()), mean, log_variance

        return Model()

    def start(self, lib, model):
        return lib.optim.RMSprop(model.parameters(), lr=1e-3)

    def batch(self, random):
        rows = np.sin(np.arange(14) * random.uniform(0.2, 1.0, (16, 1)))
        images = (rows[:, :, None] * rows[:, None, :] > 0).astype("float64")
        return images.reshape(16, -1), random.normal(size=(16, 8))

    def step(self, lib, model, optimizer, images, noise):
        optimizer.zero_grad()
        logits, mean, log_variance = model(images, noise)
        rebuilt = lib.nn.functional.binary_cross_entropy_with_logits(logits, images, reduction="sum")
        divergence = -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum()
        loss = (rebuilt + divergence) / len(images)
        loss.backward()
        optimizer.step()
        return [loss]


class Dcgan:
    """A DCGAN (Radford, Metz and Chintala, 2015): transposed convolutions against convolutions, two Adams."""

    def model(self, lib):
        nn = lib.nn
        generator = nn.Sequential(
            nn.ConvTranspose2d(16, 32, 4, 1, 0, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(True),
            nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(True),
            nn.ConvTranspose2d(16, 1, 4, 2, 1, bias=False),
            nn.Tanh(),
        )
        critic = nn.Sequential(
            nn.Conv2d(1, 16, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(16, 32, 4, 2, 1, bias=False),
            nn.BatchNorm2d(32),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(32, 1, 4, 1, 0, bias=False),
            nn.Flatten(0),
        )
        return nn.ModuleDict({"generator": generator, "critic": critic})

    def start(self, lib, model):
        return [lib.optim.Adam(model[name].parameters(), lr=2e-4, betas=(0.5, 0.999)) for name in model]

    def batch(self, random):
        phase = random.uniform(0, 6, (16, 1, 1, 1))
        waves = np.sin(phase + np.arange(16)[:, None] * 0.7) * np.cos(np.arange(16) * 0.5)
        return waves, random.normal(size=(16, 16, 1, 1))

    def step(self, lib, model, started, images, noise):
        generator, critic = model["generator"], model["critic"]
        of_generator, of_critic = started
        loss_of = lib.nn.functional.binary_cross_entropy_with_logits
        ones, zeros = lib.ones_like(images[:, 0, 0, 0]), lib.zeros_like(images[:, 0, 0, 0])
        of_critic.zero_grad()
        fake = generator(noise)
        critic_loss = loss_of(critic(images), ones) + loss_of(critic(fake.detach()), zeros)
        critic_loss.backward()
        of_critic.step()
        of_generator.zero_grad()
        generator_loss = loss_of(critic(fake), ones)
        generator_loss.backward()
        of_generator.step()
        return [critic_loss, generator_loss]


def curve(lib, program, dtype, steps=50):
    """The losses of training `program` with `lib`, in float32 or float64: an array (steps, losses)."""
    before = lib.get_default_dtype()
    lib.set_default_dtype(getattr(lib, dtype))
    try:
        model = program.model(lib)
        with lib.no_grad():
            values = weights(model)
            for name, parameter in model.named_parameters():
                parameter.copy_(lib.tensor(values[name].astype(dtype)))
        started = program.start(lib, model)
        random = np.random.default_rng(1)
        losses = []
        for _ in range(steps):
            arrays = (a if a.dtype.kind == "i" else a.astype(dtype) for a in program.batch(random))
            step = program.step(lib, model, started, *(lib.tensor(a) for a in arrays))
            losses.append([loss.item() for loss in step])
        return np.array(losses)
    finally:
        lib.set_default_dtype(before)
