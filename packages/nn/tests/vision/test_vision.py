"""Resizing, sampling, folding, shuffling and padding against what they mean."""

import itertools

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.autograd import gradcheck, gradgradcheck


def resized_line(line, size, mode, align_corners=False, scale=None):
    """One line of numbers, output by output."""
    n = len(line)
    step = (n - 1) / max(size - 1, 1) if align_corners else 1 / scale if scale else n / size
    result = []
    for i in range(size):
        if mode == "nearest":
            result.append(line[min(int(i * step), n - 1)])
        elif mode == "nearest-exact":
            result.append(line[min(int((i + 0.5) * step), n - 1)])
        else:
            at = i * step if align_corners else (i + 0.5) * step - 0.5
            if mode == "linear":
                result.append(np.interp(max(at, 0), np.arange(n), line))
            else:
                first = int(np.floor(at))
                t, total = at - first, 0
                for k in range(-1, 3):
                    x, a = abs(t - k), -0.75
                    w = (a + 2) * x**3 - (a + 3) * x**2 + 1 if x <= 1 else a * (x**3 - 5 * x**2 + 8 * x - 4)
                    total += w * line[min(max(first + k, 0), n - 1)]
                result.append(total)
    return np.array(result)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear", "cubic"])
@pytest.mark.parametrize("size", [3, 5, 8, 13])
@pytest.mark.parametrize("align_corners", [False, True])
def test_resizing_of_an_image(mode, size, align_corners):
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 5))
    name = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
    smooth = mode in ("linear", "cubic")
    if align_corners and not smooth:
        with pytest.raises(ValueError, match="align_corners option"):
            F.interpolate(tallow.tensor(x), size, mode=name, align_corners=True)
        return
    expected = np.apply_along_axis(resized_line, 2, x, size, mode, align_corners)
    expected = np.apply_along_axis(resized_line, 3, expected, size, mode, align_corners)
    result = F.interpolate(tallow.tensor(x), size, mode=name, align_corners=align_corners if smooth else None)
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-6)


def test_scale_factors():
    x = tallow.arange(5.0).reshape(1, 1, 5)
    given = F.interpolate(x, scale_factor=1.5, mode="linear")
    np.testing.assert_allclose(given[0, 0].numpy(), resized_line(np.arange(5.0), 7, "linear", scale=1.5), atol=1e-6)
    again = F.interpolate(x, scale_factor=1.5, mode="linear", recompute_scale_factor=True)
    np.testing.assert_allclose(again[0, 0].numpy(), resized_line(np.arange(5.0), 7, "linear"), atol=1e-6)
    assert F.interpolate(tallow.ones(1, 1, 4, 4, 4), scale_factor=(1, 2, 0.5), mode="trilinear").shape[2:] == (4, 8, 2)


def test_area_is_adaptive_pooling():
    x = tallow.randn(1, 2, 7, 9)
    assert tallow.equal(F.interpolate(x, (3, 4), mode="area"), F.adaptive_avg_pool2d(x, (3, 4)))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
def test_antialias_counts_every_cell(mode):
    x = tallow.ones(1, 1, 12, 16, dtype=tallow.float64, requires_grad=True)
    y = F.interpolate(x, (3, 4), mode=mode, antialias=True)
    assert tallow.allclose(y, tallow.ones_like(y))  # the weights of a cell sum to one
    y.sum().backward()
    assert (x.grad != 0).all().item()


def test_resizing_of_bytes():
    x = tallow.tensor([[[[0, 255]]]], dtype=tallow.uint8)
    assert F.interpolate(x, (1, 4), mode="bilinear").tolist() == [[[[0, 64, 191, 255]]]]
    assert F.interpolate(x, (1, 4)).dtype == tallow.uint8


@pytest.mark.parametrize(
    ("shape", "arguments", "error", "message"),
    [
        ((1, 1, 4), {}, ValueError, "either size or scale_factor"),
        ((1, 1, 4), {"size": 2, "scale_factor": 2}, ValueError, "only one of size or scale_factor"),
        ((1, 1, 4), {"size": (2, 2)}, ValueError, "same number of spatial dimensions"),
        ((1, 1, 4), {"size": 2.5}, TypeError, "expected size to be"),
        ((1, 1, 4), {"size": 2, "mode": "bilinear"}, NotImplementedError, "Got 3D input, but bilinear mode needs 4D"),
        ((1, 1, 4), {"size": 2, "mode": "quartic"}, NotImplementedError, "got quartic"),
        ((4,), {"size": 2}, NotImplementedError, "Only 3D, 4D and 5D"),
        ((1, 1, 4), {"size": 0}, RuntimeError, "greater than 0"),
        ((1, 1, 4), {"size": 2, "antialias": True}, ValueError, "Anti-alias option"),
        ((1, 1, 4, 4), {"size": 2, "mode": "lanczos"}, ValueError, "requires antialias"),
    ],
)
def test_resizing_errors(shape, arguments, error, message):
    with pytest.raises(error, match=message):
        F.interpolate(tallow.ones(*shape), **arguments)


# ---------------------------------------------------------------- sampling
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_the_identity_grid_gives_the_image(mode, align_corners):
    x = tallow.randn(2, 3, 5, 6, dtype=tallow.float64)
    grid = F.affine_grid(tallow.eye(2, 3, dtype=tallow.float64).expand(2, 2, 3), x.shape, align_corners)
    assert tallow.allclose(F.grid_sample(x, grid, mode, "border", align_corners), x)


def sampled(image, x, y, padding_mode, align_corners):
    """Bilinear, at one point."""

    def cell(c, n):
        c = (c + 1) / 2 * (n - 1) if align_corners else ((c + 1) * n - 1) / 2
        low, high = (0, n - 1) if align_corners else (-0.5, n - 0.5)
        while padding_mode == "reflection" and not low <= c <= high:
            c = 2 * low - c if c < low else 2 * high - c
        return c if padding_mode == "zeros" else min(max(c, 0), n - 1)

    h, w = image.shape[1:]
    cx, cy = cell(x, w), cell(y, h)
    total = np.zeros(len(image))
    for i, j in itertools.product((0, 1), (0, 1)):
        r, s = int(np.floor(cy)) + i, int(np.floor(cx)) + j
        if 0 <= r < h and 0 <= s < w:
            total += image[:, r, s] * (1 - abs(cy - r)) * (1 - abs(cx - s))
    return total


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_sampling_point_by_point(padding_mode, align_corners):
    rng = np.random.default_rng(0)
    image, grid = rng.standard_normal((2, 3, 4, 5)), rng.uniform(-2.5, 2.5, (2, 6, 7, 2))
    result = F.grid_sample(tallow.tensor(image), tallow.tensor(grid), "bilinear", padding_mode, align_corners)
    for n, i, j in itertools.product(range(2), range(6), range(7)):
        expected = sampled(image[n], *grid[n, i, j], padding_mode, align_corners)
        np.testing.assert_allclose(result[n, :, i, j].numpy(), expected, atol=1e-12)


def test_sampling_of_volumes_and_out_of_reach():
    x = tallow.randn(1, 2, 3, 4, 5)
    grid = F.affine_grid(tallow.eye(3, 4).unsqueeze(0), x.shape, True)
    assert tallow.allclose(F.grid_sample(x, grid, align_corners=True), x, atol=1e-6)
    wild = tallow.tensor([float("nan"), float("inf"), -1e30]).reshape(1, 1, 1, 1, 3)
    for padding in ("zeros", "border", "reflection"):
        assert F.grid_sample(x, wild, "bilinear", padding, True).shape == (1, 2, 1, 1, 1)  # and does not crash


def test_sampling_gradients():
    tallow.manual_seed(0)
    x = tallow.randn(1, 2, 4, 4, dtype=tallow.float64, requires_grad=True)
    grid = (tallow.rand(1, 2, 3, 2, dtype=tallow.float64) * 2.4 - 1.2).requires_grad_()
    for mode in ("bilinear", "bicubic"):
        assert gradcheck(lambda a, b, m=mode: F.grid_sample(a, b, m, "reflection", False), (x, grid))


def test_sampling_errors():
    x, grid = tallow.ones(1, 1, 4, 4), tallow.ones(1, 2, 2, 2)
    with pytest.raises(ValueError, match="expected mode"):
        F.grid_sample(x, grid, "linear")
    with pytest.raises(ValueError, match="expected padding_mode"):
        F.grid_sample(x, grid, padding_mode="wrap")
    with pytest.warns(UserWarning, match="align_corners"), pytest.raises(RuntimeError, match="same dtype"):
        F.grid_sample(x, grid.double())
    with pytest.raises(RuntimeError, match="same batch size"):
        F.grid_sample(x, tallow.ones(2, 2, 2, 2), align_corners=False)
    with pytest.raises(RuntimeError, match="size 2 in last dimension"):
        F.grid_sample(x, tallow.ones(1, 2, 2, 3), align_corners=False)
    with pytest.raises(ValueError, match="Expected a batch of 2D affine matrices"):
        F.affine_grid(tallow.ones(1, 3, 3), (1, 1, 4, 4), False)
    with pytest.raises(NotImplementedError, match="only supports 4D and 5D"):
        F.affine_grid(tallow.ones(1, 2, 3), (1, 4, 4), False)


# ---------------------------------------------------------------- folding and shuffling
@pytest.mark.parametrize("arguments", [{}, {"stride": 2, "padding": 1}, {"dilation": (1, 2), "padding": (2, 0)}])
def test_a_convolution_is_a_product_of_unfolded_blocks(arguments):
    x, w = tallow.randn(2, 3, 7, 8, dtype=tallow.float64), tallow.randn(4, 3, 3, 2, dtype=tallow.float64)
    y = F.conv2d(x, w, **arguments)
    assert tallow.allclose(w.flatten(1) @ F.unfold(x, (3, 2), **arguments), y.flatten(2))
    # fold is the adjoint of unfold
    columns = F.unfold(x, (3, 2), **arguments)
    other = tallow.randn_like(columns)
    back = F.fold(other, (7, 8), (3, 2), **arguments)
    assert (back * x).sum().item() == pytest.approx((columns * other).sum().item())
    assert nn.Unfold((3, 2), **arguments)(x[0]).shape == columns.shape[1:]
    assert nn.Fold((7, 8), (3, 2), **arguments)(other[0]).shape == x.shape[1:]


def test_folding_errors():
    with pytest.raises(RuntimeError, match="must be at least one"):
        F.unfold(tallow.ones(1, 1, 2, 2), 3)
    with pytest.raises(RuntimeError, match="expected size of input's dimension 2"):
        F.fold(tallow.ones(1, 4, 3), (3, 3), 2)
    with pytest.raises(RuntimeError, match="divisible by the product of kernel_size"):
        F.fold(tallow.ones(1, 3, 4), (3, 3), 2)


def test_shuffling():
    x = tallow.arange(2 * 18 * 2 * 3).reshape(2, 18, 2, 3)
    y = nn.PixelShuffle(3)(x)
    assert y.shape == (2, 2, 6, 9)
    for c, i, j in itertools.product(range(2), range(6), range(9)):
        assert y[1, c, i, j].item() == x[1, c * 9 + i % 3 * 3 + j % 3, i // 3, j // 3].item()
    assert tallow.equal(nn.PixelUnshuffle(3)(y), x)
    assert tallow.equal(nn.ChannelShuffle(3)(x), x[:, [g * 6 + i for i in range(6) for g in range(3)]])
    for f, message in (
        (lambda: F.pixel_shuffle(x, 4), "divisible by the square"),
        (lambda: F.pixel_unshuffle(x, 4), "height to be divisible"),
        (lambda: F.channel_shuffle(x, 4), "divisible by groups"),
        (lambda: F.pixel_shuffle(x[0, 0], 1), "at least 3 dimensions"),
    ):
        with pytest.raises(RuntimeError, match=message):
            f()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: F.interpolate(x, (3, 9), mode="bilinear"),
        lambda x: F.interpolate(x, (7, 3), mode="bicubic", align_corners=True),
        lambda x: F.interpolate(x, (3, 3), mode="bicubic", antialias=True),
        lambda x: F.interpolate(x, scale_factor=2),
        lambda x: F.interpolate(x, (3, 2), mode="area"),
        lambda x: F.unfold(x, 2, stride=2, padding=1),
        lambda x: F.fold(x.reshape(1, 8, 5), (6, 2), 2),
        lambda x: F.pixel_shuffle(x.reshape(1, 8, 5, 1), 2),
        lambda x: F.pad(x, (1, 2, 0, 1), "reflect"),
        lambda x: F.pad(x, (1, 2, -1, 1), "replicate"),
        lambda x: F.pad(x, (1, -1, 2, 0), "circular"),
    ],
)
def test_gradients(f):
    x = tallow.randn(1, 2, 5, 4, dtype=tallow.float64, requires_grad=True)
    assert gradcheck(f, (x,))
    assert gradgradcheck(f, (x,))


# ---------------------------------------------------------------- padding modules
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("Reflection", "reflect"),
        ("Replication", "edge"),
        ("Circular", "wrap"),
        ("Zero", "constant"),
        ("Constant", "constant"),
    ],
)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_padding_modules(name, mode, n):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5, 6)[: n + 2])
    sizes = (1, 2, 3, 0, 1, 1)[: 2 * n]
    borders = [(0, 0), (0, 0), *((sizes[2 * d], sizes[2 * d + 1]) for d in reversed(range(n)))]
    value = {"constant_values": 7.0} if name == "Constant" else {}
    module = getattr(nn, f"{name}Pad{n}d")(sizes, *value.values())
    np.testing.assert_array_equal(module(tallow.tensor(x)).numpy(), np.pad(x, borders, mode, **value))
    assert module.padding == sizes and str(sizes) in repr(module)
    assert module(tallow.tensor(x[0])).shape == module(tallow.tensor(x)).shape[1:]
    assert getattr(nn, f"{name}Pad{n}d")(1, *value.values()).padding == (1,) * (2 * n)


def test_upsample_modules():
    x = tallow.randn(1, 2, 3, 4)
    assert tallow.equal(nn.Upsample(scale_factor=2)(x), F.interpolate(x, (6, 8)))
    assert tallow.equal(nn.UpsamplingNearest2d(size=(6, 8))(x), F.interpolate(x, (6, 8)))
    expected = F.interpolate(x, (6, 8), mode="bilinear", align_corners=True)
    assert tallow.equal(nn.UpsamplingBilinear2d(scale_factor=2)(x), expected)
    assert repr(nn.Upsample(scale_factor=2)) == "Upsample(scale_factor=2.0, mode='nearest')"
    assert repr(nn.Upsample(3, mode="area")) == "Upsample(size=3, mode='area')"
