"""Pooling against its definition, window by window."""

import itertools
import math

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.autograd import gradcheck, gradgradcheck

MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
UNPOOL = {1: F.max_unpool1d, 2: F.max_unpool2d, 3: F.max_unpool3d}


def each(value, n):
    return tuple(value) if isinstance(value, tuple) else (value,) * n


def windows(extents, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """For every output: the cells of its window that are inside, and the number of those in input and padding."""
    n = len(extents)
    kernel, padding, dilation = each(kernel_size, n), each(padding, n), each(dilation, n)
    stride = kernel if stride is None else each(stride, n)
    lines = []
    for size, k, s, p, d in zip(extents, kernel, stride, padding, dilation, strict=True):
        span = size + 2 * p - d * (k - 1) - 1
        count = (math.ceil(span / s) if ceil_mode else span // s) + 1
        if ceil_mode and (count - 1) * s >= size + p:
            count -= 1
        line = []
        for i in range(count):
            cells = [i * s - p + j * d for j in range(k)]
            line.append(([c for c in cells if 0 <= c < size], sum(c < size + p for c in cells)))
        lines.append(line)
    shape = tuple(map(len, lines))
    found = {}
    for at in itertools.product(*map(range, shape)):
        parts = [line[i] for line, i in zip(lines, at, strict=True)]
        found[at] = list(itertools.product(*(cells for cells, _ in parts))), math.prod(w for _, w in parts)
    return shape, found


CASES = [
    ((2, 3, 9), {"kernel_size": 3}),
    ((2, 3, 10), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ((1, 2, 4, 4), {"kernel_size": 2}),
    ((2, 3, 7, 9), {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 1)}),
    ((3, 40, 37), {"kernel_size": 3, "stride": 1, "padding": 1}),
    ((1, 3, 7, 8), {"kernel_size": 3, "stride": 3, "ceil_mode": True}),
    ((2, 3, 29, 75), {"kernel_size": 2}),
    ((1, 2, 10, 52), {"kernel_size": 3}),
    ((2, 2, 8, 21), {"kernel_size": (4, 7)}),
    ((2, 2, 5, 6, 4), {"kernel_size": (2, 3, 2), "stride": 2, "padding": (1, 1, 0)}),
]
DILATED = [
    ((2, 3, 9), {"kernel_size": 3, "dilation": 2, "stride": 1}),
    ((1, 2, 9, 8), {"kernel_size": 2, "dilation": (3, 2)}),
]


def spatial(shape):
    return 2 if shape == (3, 40, 37) else len(shape) - 2


@pytest.mark.parametrize(("shape", "arguments"), [*CASES, *DILATED])
@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64, tallow.int64, tallow.int16, tallow.bfloat16])
def test_max(shape, arguments, dtype):
    n = spatial(shape)
    x = tallow.tensor(np.random.default_rng(0).integers(-50, 50, shape)).to(dtype)
    values, indices = MAX[n](x, return_indices=True, **arguments)
    size, found = windows(shape[-n:], **arguments)
    a = x.to(tallow.float64).numpy()
    assert values.dtype == dtype and indices.dtype == tallow.int64 and values.shape == (*shape[:-n], *size)
    for at, (cells, _) in found.items():
        stack = np.stack([a[(..., *cell)] for cell in cells], -1)
        np.testing.assert_array_equal(values.double().numpy()[(..., *at)], stack.max(-1))
        first = np.array([np.ravel_multi_index(cell, shape[-n:]) for cell in cells])[stack.argmax(-1)]
        np.testing.assert_array_equal(indices.numpy()[(..., *at)], first)
    assert tallow.equal(MAX[n](x, **arguments), values)


def test_max_of_nan_and_minus_infinity():
    x = tallow.tensor([[1.0, float("nan"), 3.0, -math.inf, -math.inf, -math.inf]])
    for grad in (False, True):
        y = F.max_pool1d(x.clone().requires_grad_(grad), 3)
        assert math.isnan(y[0, 0].item()) and y[0, 1].item() == -math.inf
    assert F.max_pool1d(x, 3, return_indices=True)[1].tolist() == [[1, 3]]


@pytest.mark.parametrize(("shape", "arguments"), CASES)
@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64])
def test_average(shape, arguments, count_include_pad, dtype):
    n = spatial(shape)
    x = tallow.tensor(np.random.default_rng(0).standard_normal(shape), dtype=dtype)
    result = AVERAGE[n](x, count_include_pad=count_include_pad, **arguments)
    size, found = windows(shape[-n:], **arguments)
    assert result.shape == (*shape[:-n], *size)
    for at, (cells, whole) in found.items():
        total = sum(x.double().numpy()[(..., *cell)] for cell in cells)
        expected = total / (whole if count_include_pad else len(cells))
        np.testing.assert_allclose(result.numpy()[(..., *at)], expected, atol=1e-6)


@pytest.mark.parametrize("kernel", [(2, 2), (3, 3), (2, 5), (9, 38)])
@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64])
def test_every_cell_of_an_average_gets_its_share(kernel, dtype):
    x = tallow.ones(2, 3, 9, 38, dtype=dtype, requires_grad=True)
    y = F.avg_pool2d(x, kernel)
    grad = np.random.default_rng(0).standard_normal(tuple(y.shape))
    y.backward(tallow.tensor(grad, dtype=dtype))
    expected = np.zeros((2, 3, 9, 38))
    spread = (grad / math.prod(kernel)).repeat(kernel[0], 2).repeat(kernel[1], 3)
    expected[:, :, : spread.shape[2], : spread.shape[3]] = spread
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6)


def test_average_divisor_out_and_integers():
    x = tallow.arange(16.0).reshape(1, 4, 4)
    assert F.avg_pool2d(x, 2, divisor_override=-2).tolist() == [[[-5.0, -9.0], [-21.0, -25.0]]]
    out = tallow.empty(1, 2, 2)
    assert F.avg_pool2d(x, 2, out=out) is out and out[0, 0, 0].item() == 2.5
    assert F.avg_pool2d(x.long(), 2).tolist() == [[[2, 4], [10, 12]]]


@pytest.mark.parametrize(
    ("shape", "size"), [((2, 3, 7), (3,)), ((2, 7, 10), (3, 4)), ((2, 2, 5, 6, 7), (2, 6, 9)), ((2, 3, 6), (1,))]
)
def test_adaptive(shape, size):
    n = len(size)
    x = tallow.randn(*shape, dtype=tallow.float64)
    mean = getattr(F, f"adaptive_avg_pool{n}d")(x, size if n > 1 else size[0])
    top, where = getattr(F, f"adaptive_max_pool{n}d")(x, size, return_indices=True)
    for at in itertools.product(*map(range, size)):
        window = tuple(slice(i * a // s, -(-(i + 1) * a // s)) for i, a, s in zip(at, shape[-n:], size, strict=True))
        part = x[(..., *window)].flatten(-n)
        np.testing.assert_allclose(mean[(..., *at)].numpy(), part.mean(-1).numpy(), atol=1e-12)
        assert tallow.equal(top[(..., *at)], part.max(-1).values)
    assert tallow.equal(x.flatten(-n).gather(-1, where.flatten(-n)).reshape(top.shape), top)


def test_adaptive_size_none_keeps_a_size():
    x = tallow.randn(1, 2, 5, 6)
    assert nn.AdaptiveAvgPool2d((None, 3))(x).shape == (1, 2, 5, 3)
    assert nn.AdaptiveMaxPool2d((2, None), return_indices=True)(x)[1].shape == (1, 2, 2, 6)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("p", [1, 2, 3, math.inf])
def test_powers(n, p):
    x = tallow.rand(2, 3, *[6] * n, dtype=tallow.float64)
    result = getattr(nn, f"LPPool{n}d")(p, 2)(x)
    size, found = windows(x.shape[2:], 2)
    for at, (cells, _) in found.items():
        stack = np.stack([x.numpy()[(..., *cell)] for cell in cells], -1)
        np.testing.assert_allclose(result.numpy()[(..., *at)], np.linalg.norm(stack, p, axis=-1))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_unpool_puts_back(n):
    x = tallow.randn(2, 3, *[7] * n)
    pool, unpool = getattr(nn, f"MaxPool{n}d")(2, return_indices=True), getattr(nn, f"MaxUnpool{n}d")(2)
    values, indices = pool(x)
    assert unpool(*pool(tallow.randn(2, 3, *[6] * n))).shape == (2, 3, *[6] * n)
    back = unpool(values, indices, output_size=x.shape)
    assert back.shape == x.shape
    kept = back != 0
    assert tallow.equal(back[kept], x[kept]) and kept.sum().item() == values.numel()
    with pytest.raises(ValueError, match="invalid output_size"):
        unpool(values, indices, output_size=[9] * n)
    with pytest.raises(RuntimeError, match="Expected shape of indices"):
        unpool(values, indices[:1])
    with pytest.raises(RuntimeError, match="invalid max index"):
        unpool(values, indices + 10**6)


@pytest.mark.parametrize("n", [2, 3])
def test_fractional(n):
    f = getattr(F, f"fractional_max_pool{n}d")
    x = tallow.randn(2, 3, *[9] * n)
    samples = tallow.rand(2, 3, n)
    values, indices = f(x, 2, output_size=5, return_indices=True, _random_samples=samples)
    assert values.shape == (2, 3, *[5] * n)
    assert tallow.equal(x.flatten(2).gather(2, indices.flatten(2)).reshape(values.shape), values)
    # Neighbouring windows start one or two cells apart, the last one ends at the border.
    assert tallow.equal(f(x, 2, output_size=5, _random_samples=samples), values)
    assert f(x[0], 2, output_ratio=0.5).shape == (3, *[4] * n)
    tallow.manual_seed(1)
    a = f(x, 3, output_size=4)
    tallow.manual_seed(1)
    assert tallow.equal(f(x, 3, output_size=4), a)
    with pytest.raises(ValueError, match="requires specifying either"):
        f(x, 2)
    with pytest.raises(RuntimeError, match="do not fit"):
        f(x, 5, output_size=6)
    module = getattr(nn, f"FractionalMaxPool{n}d")
    with pytest.raises(ValueError, match="only one of"):
        module(2, output_size=2, output_ratio=0.5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        module(2, output_ratio=1.5)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: F.max_pool2d(x, 3, 2, 1),
        lambda x: F.max_pool3d(x, 2, 1),
        lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        lambda x: F.avg_pool3d(x, 2, ceil_mode=True),
        lambda x: F.adaptive_avg_pool2d(x, (2, 3)),
        lambda x: F.adaptive_max_pool3d(x, (2, 3, 2)),
        lambda x: F.lp_pool2d(x.abs() + 1, 3, 2),
        lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
        lambda x: F.fractional_max_pool2d(x, 2, 3, _random_samples=tallow.full((2, 2, 2), 0.3, dtype=x.dtype)),
    ],
)
def test_gradients(f):
    tallow.manual_seed(0)
    x = tallow.randperm(2 * 2 * 5 * 6).reshape(2, 2, 5, 6).to(tallow.float64).div_(10).requires_grad_()
    assert gradcheck(f, (x,))
    assert gradgradcheck(f, (x,))


def test_the_same_bits_on_any_number_of_threads():
    x = tallow.randn(8, 16, 40, 40)
    results = []
    before = tallow.get_num_threads()
    try:
        for threads in (1, 2):
            tallow.set_num_threads(threads)
            a = x.clone().requires_grad_()
            y = F.max_pool2d(a, 3, 2, 1), F.avg_pool2d(a, 3, 1, 1), F.adaptive_avg_pool2d(a, 7)
            sum((t * t).sum() for t in y).backward()
            results.append([*(t.detach() for t in y), a.grad])
    finally:
        tallow.set_num_threads(before)
    assert all(tallow.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize(
    ("f", "shape", "arguments", "message"),
    [
        (F.max_pool2d, (1, 3, 4, 4), (2, 2, 2), "at most half of effective kernel size"),
        (F.max_pool2d, (1, 3, 4, 4), (2, 2, -1), "pad must be non-negative"),
        (F.max_pool2d, (1, 3, 4, 4), (0,), "kernel_size must be greater than zero"),
        (F.max_pool2d, (1, 3, 4, 4), (2, 0), "stride must be greater than zero"),
        (F.max_pool2d, (1, 3, 4, 4), ((2, 2, 2),), "tuple of two ints"),
        (F.max_pool2d, (4, 4), (2,), "Expected 3D or 4D"),
        (F.max_pool2d, (1, 3, 1, 1), (2,), "Output size is too small"),
        (F.max_pool1d, (2, 0), (1,), "Expected 2D or 3D"),
        (F.avg_pool3d, (1, 4, 4, 4), (2, 2, 0, False, True, 0), "divisor must be not zero"),
        (F.adaptive_avg_pool2d, (1, 3, 4, 4), ((-1, 2),), "greater than or equal to 0"),
        (F.adaptive_avg_pool2d, (1, 3, 4, 4), ((1, 2, 3),), "output_size must be 2"),
    ],
)
def test_errors(f, shape, arguments, message):
    with pytest.raises(RuntimeError, match=message):
        f(tallow.ones(*shape), *arguments)


def test_empty_batches_and_dimensions():
    assert F.max_pool2d(tallow.ones(0, 3, 4, 4), 2).shape == (0, 3, 2, 2)
    assert F.avg_pool1d(tallow.ones(0, 3, 4), 2).shape == (0, 3, 2)
    with pytest.raises(ValueError, match="at least 3"):
        F.adaptive_max_pool2d(tallow.ones(2, 2), 1)
    assert tallow.max_pool2d is F.max_pool2d


def test_repr():
    assert repr(nn.MaxPool1d(3)) == "MaxPool1d(kernel_size=3, stride=3, padding=0, dilation=1, ceil_mode=False)"
    assert repr(nn.AvgPool1d(3)) == "AvgPool1d(kernel_size=(3,), stride=(3,), padding=(0,))"
    assert repr(nn.MaxUnpool2d(2)) == "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))"
    assert repr(nn.AdaptiveMaxPool3d((1, None, 2))) == "AdaptiveMaxPool3d(output_size=(1, None, 2))"
    assert repr(nn.LPPool2d(2, 3)) == "LPPool2d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)"


def test_extreme_arguments_raise():
    x, huge = tallow.ones(1, 1, 4, 4), 2**62
    for arguments in ((huge,), (2, huge), (2, 1, huge), (5, 1, 0, huge)):
        with pytest.raises(RuntimeError, match="out of range"):
            F.max_pool2d(x, *arguments)
    assert F.adaptive_avg_pool2d(x, (huge, 0)).numel() == 0


def test_gradients_of_another_shape_are_refused():
    ops, x = tallow.ops.nn, tallow.ones(1, 1, 2, 2)
    with pytest.raises(RuntimeError, match="expected a gradient of sizes"):
        ops.avg_pool2d_backward(x, [1, 1, 8, 8], [2], [2], [0], False, True, None)
    with pytest.raises(RuntimeError, match="do not belong to planes"):
        ops.max_pool_scatter(x, x.long(), [2, 2], 2)
    with pytest.raises(RuntimeError, match="outside a plane"):
        ops.max_pool_scatter(x, x.long() * 99, [1, 1, 4, 4], 2)
    with pytest.raises(RuntimeError, match="expected a gradient of sizes"):
        ops.convolution_input_grad(x, x, [1, 1, 9, 9], [1], [0], [1], 1)
