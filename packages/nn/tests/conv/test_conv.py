"""Convolutions against their definition, transposed ones as their adjoints; layouts, dtypes, errors, threads."""

import itertools

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.autograd import gradcheck, gradgradcheck

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def each(value, n):
    return tuple(value) if isinstance(value, tuple) else (value,) * n


def by_definition(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Sums over the taps of the kernel, one strided slice of the padded input each."""
    n = x.ndim - 2
    stride, padding, dilation = each(stride, n), each(padding, n), each(dilation, n)
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    size = [(x.shape[2 + d] - dilation[d] * (w.shape[2 + d] - 1) - 1) // stride[d] + 1 for d in range(n)]
    y = np.zeros((x.shape[0], w.shape[0], *size), dtype=np.result_type(x, w))
    per_in, per_out = w.shape[1], w.shape[0] // groups
    for tap in itertools.product(*map(range, w.shape[2:])):
        window = tuple(
            slice(k * dil, k * dil + s * (out - 1) + 1, s)
            for k, dil, s, out in zip(tap, dilation, stride, size, strict=True)
        )
        for g in range(groups):
            part = x[(slice(None), slice(g * per_in, (g + 1) * per_in), *window)]
            weight = w[(slice(g * per_out, (g + 1) * per_out), slice(None), *tap)]
            y[:, g * per_out : (g + 1) * per_out] += np.einsum("nc...,oc->no...", part, weight)
    return y if b is None else y + b.reshape(-1, *[1] * n)


CASES = [
    ((2, 3, 9), (4, 3, 3), {}),
    ((2, 4, 9), (6, 2, 3), {"stride": 2, "padding": 1, "groups": 2}),
    ((1, 3, 9), (4, 3, 2), {"dilation": 3}),
    ((2, 3, 7, 8), (4, 3, 3, 3), {"padding": 1}),
    ((2, 3, 7, 8), (5, 3, 1, 1), {}),
    ((2, 4, 7, 8), (4, 1, 3, 3), {"padding": 1, "groups": 4}),
    ((2, 20, 6, 7), (36, 10, 3, 2), {"stride": (2, 1), "padding": (1, 0), "groups": 2}),
    ((1, 3, 12, 11), (2, 3, 5, 3), {"stride": 3, "padding": 2, "dilation": (1, 2)}),
    ((2, 3, 5, 6, 7), (4, 3, 2, 3, 3), {"padding": (0, 1, 1)}),
    ((1, 4, 6, 6, 6), (6, 2, 3, 3, 3), {"stride": 2, "padding": 1, "groups": 2, "dilation": (1, 2, 1)}),
]

# Those that go through Winograd's transforms in float: whole tiles and hanging ones, each padding, panels that images
# share, channels that fill no vector, and kernels that stay in no cache.
MINIMAL = [
    ((3, 32, 12, 12), (32, 32, 3, 3), {"padding": 1}),
    ((4, 37, 13, 19), (41, 37, 3, 3), {}),
    ((9, 33, 7, 6), (32, 33, 3, 3), {"padding": (2, 1)}),
    ((2, 40, 15, 31), (48, 40, 3, 3), {"padding": (0, 2)}),
    ((33, 136, 4, 4), (130, 136, 3, 3), {"padding": 1}),
]


@pytest.mark.parametrize(("x", "w", "arguments"), CASES)
@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64])
def test_values(x, w, arguments, dtype):
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s) for s in (x, w, w[:1]))
    expected = by_definition(x, w, b, **arguments)
    result = CONV[x.ndim - 2](*(tallow.tensor(a, dtype=dtype) for a in (x, w, b)), **arguments)
    assert result.dtype == dtype
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-10 if dtype == tallow.float64 else 1e-4)
    single = CONV[x.ndim - 2](*(tallow.tensor(a, dtype=dtype) for a in (x[0], w, b)), **arguments)
    np.testing.assert_array_equal(single.shape, expected.shape[1:])


@pytest.mark.parametrize(("x", "w", "arguments"), CASES)
@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64])
def test_the_transpose_is_the_adjoint(x, w, arguments, dtype):
    """<conv(x), y> = <x, transpose(y)>, whatever x and y."""
    rng = np.random.default_rng(0)
    n = len(x) - 2
    x, w = rng.standard_normal(x), rng.standard_normal(w)
    forward = by_definition(x, w, **arguments)
    y = rng.standard_normal(forward.shape)
    smallest = TRANSPOSED[n](tallow.tensor(y, dtype=dtype), tallow.tensor(w, dtype=dtype), **arguments).shape[2:]
    extra = tuple(a - b for a, b in zip(x.shape[2:], smallest, strict=True))
    back = TRANSPOSED[n](
        tallow.tensor(y, dtype=dtype), tallow.tensor(w, dtype=dtype), output_padding=extra, **arguments
    )
    assert back.shape == x.shape
    assert (forward * y).sum() == pytest.approx(
        (x * back.double().numpy()).sum(), rel=1e-9 if back.dtype == tallow.float64 else 1e-3
    )


# Those of few channels, by their definition: columns that fill vectors and that do not, and every block of channels.
NARROW = [
    ((5, 1, 28, 28), (6, 1, 5, 5), {"padding": 2}),
    ((3, 2, 9, 40), (11, 2, 3, 7), {}),
    ((40, 1, 12, 9), (1, 1, 2, 2), {"padding": (0, 3)}),
    ((2, 1, 20, 66), (16, 1, 1, 4), {"padding": 1}),
]


@pytest.mark.parametrize(("x", "w", "arguments"), [*MINIMAL, *NARROW])
def test_other_ways_agree_with_the_definition(x, w, arguments):
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(s) for s in (x, w, w[:1])]
    exact = [tallow.tensor(v, dtype=tallow.float64, requires_grad=True) for v in values]
    ours = [tallow.tensor(v, dtype=tallow.float32, requires_grad=True) for v in values]
    y = F.conv2d(*exact, **arguments)
    np.testing.assert_allclose(y.detach().numpy(), by_definition(*values, **arguments), rtol=1e-9, atol=1e-9)
    grad = rng.standard_normal(tuple(y.shape))
    y.backward(tallow.tensor(grad, dtype=tallow.float64))
    result = F.conv2d(*ours, **arguments)
    result.backward(tallow.tensor(grad, dtype=tallow.float32))
    for a, b in [(result.detach(), y.detach()), *((a.grad, b.grad) for a, b in zip(ours, exact, strict=True))]:
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=0, atol=3e-6 * float(b.abs().max()))


def test_minimal_filtering_of_integers_is_exact():
    rng = np.random.default_rng(0)
    x, w = rng.integers(-4, 5, (2, 32, 16, 16)), rng.integers(-4, 5, (32, 32, 3, 3))
    y = F.conv2d(tallow.tensor(x, dtype=tallow.float32), tallow.tensor(w, dtype=tallow.float32), None, 1, 1)
    assert np.array_equal(y.numpy(), by_definition(x, w, padding=1))


def test_infinity_stays_where_it_is():
    x = tallow.zeros(1, 1, 10, 20)
    x[0, 0, 4, 18] = float("inf")
    w = tallow.zeros(3, 1, 3, 3).requires_grad_()
    y = F.conv2d(x, w)
    assert y.isnan().nonzero().tolist() == [[0, o, r, c] for o in range(3) for r in (2, 3, 4) for c in (16, 17)]
    gradient = tallow.zeros_like(y)
    gradient[0, 1, 4, 17] = 1.0
    y.backward(gradient)
    assert not w.grad[:, 0, :, 0].isnan().any()  # no window has it in its first column
    assert w.grad[1, 0, 0, 1].isinf().item()


def test_minimal_filtering_of_views():
    rng = np.random.default_rng(0)
    x = tallow.tensor(rng.standard_normal((4, 64, 14, 14)), dtype=tallow.float32)[::2, ::2]
    w = tallow.tensor(rng.standard_normal((3, 3, 32, 32)), dtype=tallow.float32).permute(2, 3, 1, 0)
    y = F.conv2d(x, w, None, 1, 1)
    expected = by_definition(x.double().numpy(), w.double().numpy(), padding=1)
    np.testing.assert_allclose(y.numpy(), expected, rtol=0, atol=3e-6 * np.abs(expected).max())


def test_output_padding_beyond_the_stride():
    """Padding cuts cells off that a larger output brings back."""
    x, w = tallow.randn(1, 2, 4, dtype=tallow.float64), tallow.randn(2, 3, 3, dtype=tallow.float64)
    whole = F.conv_transpose1d(x, w, stride=2, dilation=5)
    result = F.conv_transpose1d(x, w, tallow.ones(3, dtype=tallow.float64), 2, 3, 4, dilation=5)
    assert result.shape == (1, 3, whole.size(2) - 6 + 4)
    expected = F.pad(whole, (0, 1))[:, :, 3:] + 1
    assert tallow.equal(result, expected)


@pytest.mark.parametrize("dtype", [tallow.uint8, tallow.int32, tallow.int64])
def test_integers_are_exact(dtype):
    rng = np.random.default_rng(0)
    x, w, b = (rng.integers(0, 9, s) for s in ((2, 4, 6, 5), (6, 2, 3, 3), (6,)))
    arguments = {"stride": 2, "padding": 1, "groups": 2}
    expected = tallow.tensor(by_definition(x, w, b, **arguments)).to(dtype)
    tensors = [tallow.tensor(a).to(dtype) for a in (x, w, b)]
    result = F.conv2d(*tensors, **arguments)
    assert result.dtype == dtype and tallow.equal(result, expected)
    back = F.conv_transpose2d(result, tensors[1], None, **arguments)
    assert tallow.equal(back, F.conv_transpose2d(result.double(), tensors[1].double(), None, **arguments).to(dtype))


def test_complex_numbers():
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s) + 1j * rng.standard_normal(s) for s in ((2, 3, 8), (4, 3, 3), (4,)))
    result = F.conv1d(*map(tallow.tensor, (x, w, b)), padding=1)
    np.testing.assert_allclose(result.numpy(), by_definition(x, w, b, padding=1), atol=1e-12)
    y = tallow.tensor(rng.standard_normal((2, 4, 8)) + 0j)
    assert F.conv_transpose1d(y, tallow.tensor(w), padding=1).dtype == tallow.complex128


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16])
def test_half_precision_sums_in_float(dtype):
    x, w = tallow.randn(1, 64, 8, 8).to(dtype), tallow.randn(8, 64, 3, 3).to(dtype)
    result = F.conv2d(x, w)
    assert result.dtype == dtype
    assert tallow.equal(result, F.conv2d(x.float(), w.float()).to(dtype))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3])
def test_channels_last_stays(groups, kernel):
    x, w = tallow.randn(2, 8, 6, 5, requires_grad=True), tallow.randn(4, 8 // groups, kernel, kernel)
    last = x.detach().to(memory_format=tallow.channels_last).requires_grad_()
    y, z = F.conv2d(x, w, padding=1, groups=groups), F.conv2d(last, w, padding=1, groups=groups)
    assert z.is_contiguous(memory_format=tallow.channels_last)
    assert tallow.allclose(y, z, atol=1e-5)
    y.sum().backward()
    z.sum().backward()
    assert tallow.allclose(x.grad, last.grad, atol=1e-5)


@pytest.mark.parametrize(("x", "w", "arguments"), CASES[:8:2])
def test_gradients(x, w, arguments):
    tallow.manual_seed(0)
    small = (1, *x[1:2], *(min(n, 5) for n in x[2:]))
    arguments = {k: v for k, v in arguments.items() if k != "dilation"}
    tensors = [tallow.randn(*s, dtype=tallow.float64, requires_grad=True) for s in (small, w, w[:1])]
    assert gradcheck(lambda *t: CONV[len(x) - 2](*t, **arguments), tensors)
    assert gradgradcheck(lambda *t: CONV[len(x) - 2](*t, **arguments), tensors)


def test_gradients_of_the_transpose():
    tallow.manual_seed(0)
    tensors = [tallow.randn(*s, dtype=tallow.float64, requires_grad=True) for s in ((1, 4, 3, 3), (4, 1, 3, 2), (2,))]

    def f(x, w, b):
        return F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1, groups=2)

    assert gradcheck(f, tensors)
    assert gradgradcheck(f, tensors)


@pytest.mark.parametrize(
    ("x", "w", "arguments"),
    [
        ((4, 16, 20, 20), (32, 16, 3, 3), {"padding": 1}),
        ((8, 32, 12, 12), (64, 32, 1, 1), {}),
        ((4, 64, 14, 14), (64, 1, 3, 3), {"padding": 1, "groups": 64}),
        ((8, 3, 40, 40), (16, 3, 7, 7), {"stride": 2, "padding": 3}),
        *MINIMAL,
        *NARROW,
    ],
)
def test_the_same_bits_on_any_number_of_threads(x, w, arguments):
    tallow.manual_seed(0)
    x, w, b = (tallow.randn(*s) for s in (x, w, w[:1]))
    results = []
    before = tallow.get_num_threads()
    try:
        for threads in (1, 2, 3):
            tallow.set_num_threads(threads)
            leaves = [t.clone().requires_grad_() for t in (x, w, b)]
            y = F.conv2d(*leaves, **arguments)
            y.backward(tallow.cos(y.detach()))
            results.append([y.detach(), *(t.grad for t in leaves)])
    finally:
        tallow.set_num_threads(before)
    for other in results[1:]:
        assert all(tallow.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_same_padding_and_empty_batches():
    x, w = tallow.randn(2, 3, 8, 9), tallow.randn(4, 3, 5, 3)
    assert F.conv2d(x, w, padding="same").shape == (2, 4, 8, 9)
    assert F.conv2d(x, w, padding="same", dilation=2).shape == (2, 4, 8, 9)
    assert F.conv2d(x, w, padding="valid").shape == (2, 4, 4, 7)
    with pytest.warns(UserWarning, match="zero-padded copy"):
        assert F.conv2d(x, tallow.randn(4, 3, 2, 2), padding="same").shape == (2, 4, 8, 9)
    assert F.conv2d(x[:0], w).shape == (0, 4, 4, 7)
    assert F.conv_transpose2d(x[:0], tallow.randn(3, 4, 2, 2)).shape == (0, 4, 9, 10)
    assert tallow.conv2d is F.conv2d


def test_time_batch_channel():
    x, w, b = tallow.randn(7, 2, 3), tallow.randn(3, 3, 4), tallow.randn(4)
    expected = F.conv1d(x.permute(1, 2, 0), w.permute(2, 1, 0), b, padding=1).permute(2, 0, 1)
    assert tallow.equal(F.conv_tbc(x, w, b, 1), expected)


X, W = (1, 4, 5, 5), (4, 4, 3, 3)


@pytest.mark.parametrize(
    ("f", "x", "w", "arguments", "message"),
    [
        (F.conv2d, (1, 3, 5, 5), W, {}, "to have 4 channels, but got 3 channels"),
        (F.conv2d, (1, 1, 5), W, {"padding": -1}, "negative padding"),
        (F.conv2d, (5, 5), W, {}, "Expected 3D .unbatched. or 4D .batched. input to conv2d"),
        (F.conv2d, X, (4, 4), {}, "weight should have at least three dimensions"),
        (F.conv2d, X, W, {"stride": 0}, "non-positive stride"),
        (F.conv2d, X, W, {"dilation": -1}, "non-positive dilation"),
        (F.conv2d, X, W, {"groups": 0}, "non-positive groups"),
        (F.conv2d, X, W, {"groups": 5}, "expected weight to be at least 5"),
        (F.conv2d, X, W, {"stride": (1, 2, 3)}, "single integer value or a list of 2"),
        (F.conv2d, X, (4, 4, 7, 7), {}, "Kernel size can't be greater"),
        (F.conv2d, X, W, {"padding": "same", "stride": 2}, "padding='same' is not supported for strided"),
        (F.conv2d, X, W, {"padding": "half"}, "Invalid padding string"),
        (F.conv_transpose2d, X, W, {"output_padding": 1}, "output padding must be smaller"),
        (F.conv_transpose2d, (1, 3, 5, 5), W, {}, "to have 4 channels, but got 3 channels"),
        (F.conv_transpose2d, (1, 4, 1, 1), (4, 4, 1, 1), {"padding": 1}, "Output size is too small"),
    ],
)
def test_errors(f, x, w, arguments, message):
    if x == (1, 1, 5):
        x = X
    with pytest.raises(RuntimeError, match=message):
        f(tallow.ones(*x), tallow.ones(*w), **arguments)


def test_dtypes_have_to_agree():
    with pytest.raises(RuntimeError, match="Input type and weight type should be the same"):
        F.conv2d(tallow.ones(*X), tallow.ones(*W, dtype=tallow.float64))
    with pytest.raises(RuntimeError, match="Input type and bias type should be the same"):
        F.conv2d(tallow.ones(*X), tallow.ones(*W), tallow.ones(4, dtype=tallow.float64))


# ---------------------------------------------------------------- modules
@pytest.mark.parametrize("n", [1, 2, 3])
def test_modules(n):
    conv = getattr(nn, f"Conv{n}d")(4, 6, 3, stride=2, padding=1, groups=2)
    assert list(conv.state_dict()) == ["weight", "bias"]
    assert conv.weight.shape == (6, 2, *[3] * n)
    x = tallow.randn(2, 4, *[7] * n)
    y = conv(x)
    assert tallow.equal(y, CONV[n](x, conv.weight, conv.bias, 2, 1, 1, 2))
    back = getattr(nn, f"ConvTranspose{n}d")(6, 4, 3, stride=2, padding=1, groups=2)
    assert back.weight.shape == (6, 2, *[3] * n)
    assert back(y).shape == x.shape
    assert back(y, output_size=[8] * n).shape == (2, 4, *[8] * n)
    assert back(y, output_size=(2, 4, *[8] * n)).shape == (2, 4, *[8] * n)
    with pytest.raises(ValueError, match="must be from 7 to 8"):
        back(y, output_size=[9] * n)
    with pytest.raises(ValueError, match="output_size must have"):
        back(y, output_size=[8] * (n + 1))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_modes(mode):
    x = tallow.randn(1, 2, 6, 7)
    conv = nn.Conv2d(2, 3, (3, 5), padding=(1, 2), padding_mode=mode)
    assert tallow.equal(conv(x), F.conv2d(F.pad(x, (2, 2, 1, 1), mode), conv.weight, conv.bias))
    same = nn.Conv2d(2, 3, (3, 4), padding="same", padding_mode=mode)
    assert same(x).shape == (1, 3, 6, 7)


def test_repr():
    assert repr(nn.Conv1d(2, 4, 3, dilation=2, bias=False, padding_mode="circular", padding=1)) == (
        "Conv1d(2, 4, kernel_size=(3,), stride=(1,), padding=(1,), dilation=(2,), bias=False, padding_mode=circular)"
    )
    assert repr(nn.ConvTranspose2d(2, 4, 3, stride=2, output_padding=1, groups=2)) == (
        "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), output_padding=(1, 1), groups=2)"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": 3}, "in_channels must be divisible"),
        ({"groups": 0}, "groups must be a positive"),
        ({"padding": "half"}, "Invalid padding string"),
        ({"padding": "same", "stride": 2}, "not supported for strided"),
        ({"padding_mode": "mirror"}, "padding_mode must be one of"),
    ],
)
def test_module_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        nn.Conv2d(4, 4, 3, **arguments)
    with pytest.raises(ValueError, match='Only "zeros" padding mode'):
        nn.ConvTranspose1d(2, 2, 2, padding_mode="reflect")
