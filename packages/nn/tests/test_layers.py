"""Layers against the formulas that define them, in core's ops."""

import math

import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn


def close(a, b, tol=1e-5):
    assert a.shape == b.shape, (a.shape, b.shape)
    assert (a - b).abs().max().item() <= tol, (a, b)


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def test_linear():
    m, x = nn.Linear(3, 2), tallow.randn(4, 3)
    close(m(x), x @ m.weight.t() + m.bias)
    assert nn.Linear(3, 2, bias=False).bias is None
    assert m.weight.abs().max().item() <= 1 / math.sqrt(3)
    assert repr(m) == "Linear(in_features=3, out_features=2, bias=True)"


def test_identity():
    x = tallow.ones(2)
    assert nn.Identity(1, b=2)(x) is x


def conv_by_definition(x, weight, bias, stride, padding, dilation, groups):
    x = F.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    n, c, height, width = x.shape
    out_channels, per_group, kh, kw = weight.shape
    rows = (height - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    cols = (width - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    result = tallow.zeros(n, out_channels, rows, cols)
    for o in range(out_channels):
        group = o // (out_channels // groups)
        for i in range(rows):
            for j in range(cols):
                top, left = i * stride[0], j * stride[1]
                window = x[
                    :,
                    group * per_group : (group + 1) * per_group,
                    top : top + dilation[0] * (kh - 1) + 1 : dilation[0],
                    left : left + dilation[1] * (kw - 1) + 1 : dilation[1],
                ]
                result[:, o, i, j] = (window * weight[o]).flatten(1).sum(1) + bias[o]
    return result


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"),
    [(1, 0, 1, 1), (2, 1, 1, 1), ((1, 2), (2, 0), (1, 2), 2), (1, (1, 1), 2, 4)],
)
def test_conv2d(stride, padding, dilation, groups):
    m = nn.Conv2d(4, 8, (3, 2), stride, padding, dilation, groups)
    x = tallow.randn(2, 4, 7, 8)
    with tallow.no_grad():
        close(m(x), conv_by_definition(x, m.weight, m.bias, m.stride, m.padding, m.dilation, groups), 1e-4)


@pytest.mark.parametrize("kernel", [3, 4, (2, 5)])
def test_conv2d_same_padding_keeps_the_size(kernel):
    x = tallow.randn(1, 2, 6, 7)
    m = nn.Conv2d(2, 3, kernel, padding="same")
    assert tuple(m(x).shape) == (1, 3, 6, 7)
    valid = nn.Conv2d(2, 3, kernel, padding="valid")
    assert tuple(valid(x).shape[2:]) == tuple(n - k + 1 for n, k in zip((6, 7), m.kernel_size, strict=True))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_conv2d_padding_modes(mode):
    m = nn.Conv2d(1, 1, 3, padding=1, padding_mode=mode)
    x = tallow.randn(1, 1, 4, 4)
    close(m(x), F.conv2d(F.pad(x, (1, 1, 1, 1), mode), m.weight, m.bias))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"groups": 0}, "groups must be a positive integer"),
        ({"groups": 3}, "in_channels must be divisible by groups"),
        ({"padding": "full"}, "Invalid padding string"),
        ({"padding": "same", "stride": 2}, "not supported for strided"),
        ({"padding_mode": "x"}, "padding_mode must be one of"),
    ],
)
def test_conv2d_errors(kwargs, message):
    with pytest.raises(ValueError, match=message):
        nn.Conv2d(4, 4, 3, **kwargs)


def test_conv2d_repr():
    assert repr(nn.Conv2d(1, 2, 3, padding=1, bias=False)) == (
        "Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)"
    )


def test_pooling():
    x = tallow.arange(16.0).reshape(1, 1, 4, 4)
    assert nn.MaxPool2d(2)(x).flatten().tolist() == [5, 7, 13, 15]
    values, indices = nn.MaxPool2d(3, stride=1, return_indices=True)(x)
    assert values.flatten().tolist() == indices.flatten().tolist() == [10, 11, 14, 15]
    assert nn.AvgPool2d((1, 4))(x).flatten().tolist() == [1.5, 5.5, 9.5, 13.5]
    assert nn.AvgPool2d(2, padding=1, count_include_pad=False)(x)[0, 0, 0, 0].item() == 0
    assert nn.AdaptiveAvgPool2d((1, 2))(x).flatten().tolist() == [6.5, 8.5]
    assert tuple(nn.AdaptiveAvgPool2d((None, 1))(x).shape) == (1, 1, 4, 1)
    assert tuple(nn.MaxPool2d(2, ceil_mode=True)(x[..., :3, :3]).shape) == (1, 1, 2, 2)


def test_activations():
    x = tallow.linspace(-3, 3, 13)
    assert tallow.equal(nn.ReLU()(x), x.clamp(min=0))
    close(nn.Tanh()(x), x.tanh())
    close(nn.Sigmoid()(x), 1 / (1 + (-x).exp()))
    close(nn.GELU()(x), x * 0.5 * (1 + tallow.erf(x / math.sqrt(2))))
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    close(nn.GELU("tanh")(x), 0.5 * x * (1 + inner.tanh()))
    close(nn.Softmax(0)(x), x.exp() / x.exp().sum())
    close(nn.LogSoftmax(0)(x), x - x.exp().sum().log())
    y = x.clone()
    assert nn.ReLU(inplace=True)(y) is y and y.min().item() == 0
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax"):
        F.softmax(x)


def test_dropout():
    m, x = nn.Dropout(0.25), tallow.ones(10000)
    y = m(x)
    assert set(y.tolist()) == {0.0, y.max().item()} and abs(y.max().item() - 4 / 3) < 1e-6
    assert abs((y == 0).float().mean().item() - 0.25) < 0.03
    assert m.eval()(x) is x
    assert nn.Dropout(1.0)(x).any().item() is False
    z = tallow.ones(100)
    assert nn.Dropout(0.5, inplace=True)(z) is z and (z == 0).any()
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1, but got 2"):
        nn.Dropout(2)


def test_flatten_and_unflatten():
    x = tallow.zeros(2, 3, 4)
    assert tuple(nn.Flatten()(x).shape) == (2, 12) and tuple(nn.Flatten(0)(x).shape) == (24,)
    assert tuple(nn.Unflatten(1, (3, 1))(x).shape) == (2, 3, 1, 4)
    with pytest.raises(TypeError, match="unflattened_size must be tuple of ints"):
        nn.Unflatten(1, (2, "x"))


def test_embedding():
    m = nn.Embedding(5, 3, padding_idx=-1)
    index = tallow.tensor([[0, 4], [4, 2]])
    y = m(index)
    assert tallow.equal(y[0, 0], m.weight[0]) and not y[0, 1].any() and m.padding_idx == 4
    y.sum().backward()
    assert m.weight.grad.sum(1).tolist() == [3, 0, 3, 0, 0]
    table = tallow.tensor([[3.0, 4.0], [0.3, 0.4]])
    frozen = nn.Embedding.from_pretrained(table, max_norm=1.0)
    close(frozen(tallow.tensor([0, 1, 0])), tallow.tensor([[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]]))
    assert not frozen.weight.requires_grad
    with pytest.raises(AssertionError, match="Padding_idx must be within num_embeddings"):
        nn.Embedding(2, 2, padding_idx=2)


def test_layer_norm():
    m, x = nn.LayerNorm((3, 4)), tallow.randn(2, 3, 4)
    mean = x.mean((1, 2), keepdim=True)
    variance = ((x - mean) ** 2).mean((1, 2), keepdim=True)
    close(m(x), (x - mean) / (variance + 1e-5).sqrt())
    assert nn.LayerNorm(3, bias=False).bias is None and nn.LayerNorm(3, elementwise_affine=False).weight is None


def test_batch_norm_in_training_and_evaluation():
    m, x = nn.BatchNorm2d(3, momentum=0.5), tallow.randn(4, 3, 5, 5)
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
    close(m(x), (x - mean) / (variance + 1e-5).sqrt(), 1e-4)
    close(m.running_mean, mean.flatten() * 0.5)
    close(m.running_var, 0.5 + 0.5 * variance.flatten() * 100 / 99)
    assert m.num_batches_tracked.item() == 1
    m.eval()
    shape = (1, 3, 1, 1)
    expected = (x - m.running_mean.reshape(shape)) / (m.running_var.reshape(shape) + 1e-5).sqrt()
    close(m(x), expected, 1e-4)


def test_batch_norm_options():
    plain = nn.BatchNorm1d(2, affine=False, track_running_stats=False)
    assert not plain.state_dict() and plain.eval()(tallow.randn(8, 2)).abs().max().item() < 8
    cumulative, x, y = nn.BatchNorm1d(2, momentum=None), tallow.randn(8, 2), tallow.randn(8, 2)
    cumulative(x), cumulative(y)
    close(cumulative.running_mean, (x.mean(0) + y.mean(0)) / 2)
    assert nn.BatchNorm1d(2, bias=False).bias is None
    with pytest.raises(ValueError, match="expected 4D input"):
        nn.BatchNorm2d(2)(x)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        nn.BatchNorm1d(2)(tallow.ones(1, 2))


def test_cross_entropy_with_class_indices():
    logits, target = tallow.randn(4, 3), tallow.tensor([0, 2, 1, 2])
    logp = logits.log_softmax(1)
    picked = -tallow.stack([logp[i, t] for i, t in enumerate(target.tolist())])
    close(nn.CrossEntropyLoss()(logits, target), picked.mean())
    close(nn.CrossEntropyLoss(reduction="sum")(logits, target), picked.sum())
    close(nn.CrossEntropyLoss(reduction="none")(logits, target), picked)
    close(nn.CrossEntropyLoss(ignore_index=2)(logits, target), (picked[0] + picked[2]) / 2)
    weight = tallow.tensor([1.0, 2.0, 3.0])
    scaled = picked * tallow.tensor([1.0, 3.0, 2.0, 3.0])
    close(nn.CrossEntropyLoss(weight)(logits, target), scaled.sum() / 9)
    smoothed = 0.9 * picked.mean() - 0.1 * logp.mean()
    close(nn.CrossEntropyLoss(label_smoothing=0.1)(logits, target), smoothed)
    close(nn.NLLLoss()(logp, target), picked.mean())


def test_cross_entropy_with_probabilities():
    logits, target = tallow.randn(4, 3), tallow.randn(4, 3).softmax(1)
    close(nn.CrossEntropyLoss()(logits, target), -(target * logits.log_softmax(1)).sum(1).mean())


def test_cross_entropy_of_images():
    logits, target = tallow.randn(2, 3, 4, 4), tallow.zeros(2, 4, 4, dtype=tallow.int64)
    close(F.cross_entropy(logits, target), -logits.log_softmax(1)[:, 0].mean())


def test_mse():
    a, b = tallow.randn(3, 2), tallow.randn(3, 2)
    close(nn.MSELoss()(a, b), ((a - b) ** 2).mean())
    weight = tallow.tensor([[1.0, 2.0]] * 3)
    close(F.mse_loss(a, b, weight=weight), (weight * (a - b) ** 2).sum() / 9)
    with pytest.warns(UserWarning, match="different to the input size"):
        F.mse_loss(a, b[:1])
    with pytest.raises(ValueError, match="not a valid value for reduction"):
        F.mse_loss(a, b, reduction="middle")


@pytest.mark.parametrize("causal", [False, True])
def test_attention(causal):
    q, k, v = (tallow.randn(2, 4, 5, 8) for _ in range(3))
    scores = q @ k.transpose(-2, -1) / math.sqrt(8)
    if causal:
        hidden = tallow.ones(5, 5).triu(1) > 0
        scores = scores.masked_fill(hidden, -math.inf)
    close(F.scaled_dot_product_attention(q, k, v, is_causal=causal), scores.softmax(-1) @ v)


def test_a_network_learns():
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    x = tallow.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = tallow.tensor([[0.0], [1.0], [1.0], [0.0]])
    for _ in range(1500):
        net.zero_grad()
        loss = F.mse_loss(net(x), y)
        loss.backward()
        with tallow.no_grad():
            for p in net.parameters():
                p.sub_(p.grad * 0.1)
    assert loss.item() < 0.02
