"""Layer, RMS, group, instance and batch normalisation against their formulas in core's ops."""

import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn
from tallow.autograd import gradcheck, gradgradcheck

EPS = 1e-5


@pytest.fixture(autouse=True)
def seed():
    tallow.manual_seed(0)


def close(a, b, tolerance=1e-5):
    assert a.shape == b.shape and a.dtype == b.dtype, (a.shape, b.shape, a.dtype, b.dtype)
    assert a.numel() == 0 or (a - b).abs().max().item() <= tolerance * max(1.0, b.abs().max().item())


def standard(x, dims):
    mean = x.mean(dims, keepdim=True)
    return (x - mean) / (((x - mean) ** 2).mean(dims, keepdim=True) + EPS).sqrt()


def per_channel(t, x):
    return t.reshape((1, -1) + (1,) * (x.dim() - 2))


def parameters(n, dtype=tallow.float32):
    return (tallow.randn(n, dtype=dtype, requires_grad=True), tallow.randn(n, dtype=dtype, requires_grad=True))


def by_batch_norm(x, w, b):
    dims = tuple(d for d in range(x.dim()) if d != 1)
    return standard(x, dims) * per_channel(w, x) + per_channel(b, x)


def by_group_norm(x, groups, w, b):
    y = standard(x.reshape(x.size(0), groups, -1), (2,)).reshape(x.shape)
    return y * per_channel(w, x) + per_channel(b, x)


def agree(function, reference, tensors, tolerance=2e-5):
    """Values, and gradients of all tensors for the same incoming one."""
    leaves = [t.detach().clone().requires_grad_() for t in tensors]
    others = [t.detach().clone().double().requires_grad_() for t in tensors]
    y, expected = function(*leaves), reference(*others)
    close(y.double(), expected, tolerance)
    incoming = tallow.randn(y.shape, dtype=y.dtype)
    for a, b in zip(
        tallow.autograd.grad(y, leaves, incoming),
        tallow.autograd.grad(expected, others, incoming.double()),
        strict=True,
    ):
        close(a.double(), b, 10 * tolerance)
    return y


# Planes larger and smaller than what is gathered, many and few channels, columns, empty ends.
SHAPES = [
    (64, 3),
    (7, 130),
    (4, 5, 6),
    (3, 2, 40, 50),
    (2, 20, 17, 19),
    (300, 2, 3, 3),
    (2, 1, 300, 301),
    (2, 3, 2, 3, 4),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm(shape):
    x = tallow.randn(shape) * 3 + 5
    agree(lambda *t: F.batch_norm(t[0], None, None, t[1], t[2], True), by_batch_norm, [x, *parameters(shape[1])])


@pytest.mark.parametrize("shape", [(2, 5, 6, 7), (3, 2, 40, 50), (2, 70, 3, 3)])
def test_batch_norm_keeps_channels_last(shape):
    x = (tallow.randn(shape) + 1).contiguous(memory_format=tallow.channels_last)
    w, b = parameters(shape[1])
    y = agree(lambda *t: F.batch_norm(t[0], None, None, t[1], t[2], True), by_batch_norm, [x, w, b])
    assert y.stride() == x.stride()
    mean, var = tallow.randn(shape[1]), tallow.rand(shape[1]) + 0.5
    close(F.batch_norm(x, mean, var, w, b), F.batch_norm(x.contiguous(), mean, var, w, b))


def test_batch_norm_of_values_far_from_zero_keeps_its_digits():
    x = tallow.randn(8, 4, 33, dtype=tallow.float64) + 1000
    close(F.batch_norm(x.float(), None, None, training=True).double(), F.batch_norm(x, None, None, training=True), 2e-3)
    columns = x.permute(0, 2, 1).reshape(-1, 4)
    close(
        F.batch_norm(columns.float(), None, None, training=True).double(),
        F.batch_norm(columns, None, None, training=True),
        2e-3,
    )


@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 5), (2, 4, 3, 3)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_gradients_of_batch_norm(shape, training, affine):
    x = tallow.randn(shape, dtype=tallow.float64, requires_grad=True)
    mean, var = tallow.randn(4, dtype=tallow.float64), tallow.rand(4, dtype=tallow.float64) + 0.1
    running = (None, None) if training else (mean, var)
    tensors = (x, *parameters(4, tallow.float64)) if affine else (x,)

    def function(x, w=None, b=None):
        return F.batch_norm(x, *running, w, b, training)

    assert gradcheck(function, tensors) and gradgradcheck(function, tensors)


def test_running_statistics():
    x, mean, var = tallow.randn(5, 3, 4) * 2 + 1, tallow.zeros(3), tallow.ones(3)
    F.batch_norm(x, mean, var, training=True, momentum=0.25)
    close(mean, 0.25 * x.mean((0, 2)))
    close(var, 0.75 + 0.25 * x.var((0, 2)))  # unbiased
    before = mean.clone()
    y = F.batch_norm(x, mean, var)
    close(y, (x - per_channel(mean, x)) / (per_channel(var, x) + EPS).sqrt())
    assert tallow.equal(mean, before)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.batch_norm(x, tallow.ones(2), None), RuntimeError, "running_mean should contain 3 elements not 2"),
        (
            lambda x: F.batch_norm(x, None, None, tallow.ones(4), training=True),
            RuntimeError,
            "weight should contain 3 elements not 4",
        ),
        (
            lambda x: F.batch_norm(x, None, None),
            RuntimeError,
            "running_mean and running_var to be defined when training=False",
        ),
        (
            lambda x: F.batch_norm(x[:1, :, 0], None, None, training=True),
            ValueError,
            "Expected more than 1 value per channel",
        ),
        (
            lambda x: F.batch_norm(x.int(), None, None, training=True),
            NotImplementedError,
            "\"batch_norm\" not implemented for 'Int'",
        ),
        (
            lambda x: F.layer_norm(x, (3,)),
            RuntimeError,
            r"expected input with shape \[\*, 3\], but got input of size \[2, 3, 4\]",
        ),
        (lambda x: F.layer_norm(x, ()), RuntimeError, "normalized_shape to be at least 1-dimensional"),
        (
            lambda x: F.layer_norm(x, (4,), tallow.ones(3)),
            RuntimeError,
            "Expected weight to be of same shape as normalized_shape",
        ),
        (
            lambda x: F.layer_norm(x.int(), (4,)),
            NotImplementedError,
            "\"LayerNormKernelImpl\" not implemented for 'Int'",
        ),
        (lambda x: F.rms_norm(x, (3,)), RuntimeError, "rms_norm"),
        (lambda x: F.group_norm(x, 2), RuntimeError, "number of channels in input to be divisible by num_groups"),
        (lambda x: F.group_norm(x[0, 0], 1), RuntimeError, "Expected at least 2 dimensions"),
        (
            lambda x: F.group_norm(x, 3, tallow.ones(2)),
            RuntimeError,
            "Expected weight to be a vector of size equal to the number of channels",
        ),
        (lambda x: F.group_norm(x[:1, :1, :1], 1), ValueError, "Expected more than 1 value per channel"),
        (lambda x: F.instance_norm(x[:, :, :1]), ValueError, "Expected more than 1 spatial element"),
        (lambda x: F.instance_norm(x, use_input_stats=False), RuntimeError, "when use_input_stats is false"),
        (lambda x: F.local_response_norm(x[0], 2), ValueError, "Expected 3D or higher"),
        (lambda x: nn.GroupNorm(2, 3), ValueError, r"num_channels \(3\) must be divisible by num_groups \(2\)"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(tallow.ones(2, 3, 4))


@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (3, 4, 300), (2, 5000), (130, 33)])
def test_layer_and_rms_norm(shape):
    n = shape[-1]
    x, (w, b) = tallow.randn(shape) * 2 + 3, parameters(n)
    agree(lambda *t: F.layer_norm(t[0], (n,), t[1], t[2]), lambda x, w, b: standard(x, (-1,)) * w + b, [x, w, b])
    agree(
        lambda *t: F.rms_norm(t[0], (n,), t[1], EPS),
        lambda x, w: x / ((x * x).mean(-1, keepdim=True) + EPS).sqrt() * w,
        [x, w],
    )
    close(F.layer_norm(x, (n,)), F.layer_norm(x, (n,), tallow.ones(n), tallow.zeros(n)))
    close(F.layer_norm(x, (n,), bias=b), F.layer_norm(x, (n,)) + b)


def test_gradients_of_rows():
    def leaf(*shape):
        return tallow.randn(shape, dtype=tallow.float64, requires_grad=True)

    x, w, b = leaf(2, 3, 4), leaf(3, 4), leaf(3, 4)
    for function, tensors in [
        (lambda x, w, b: F.layer_norm(x, (3, 4), w, b), (x, w, b)),
        (lambda x, w: F.layer_norm(x, (3, 4), w), (x, w)),
        (lambda x: F.layer_norm(x, (4,)), (x,)),
        (lambda x, w: F.rms_norm(x, (3, 4), w), (x, w)),
        (lambda x: F.rms_norm(x, (4,)), (x,)),
    ]:
        assert gradcheck(function, tensors) and gradgradcheck(function, tensors)


def test_rms_norm_takes_the_machines_epsilon():
    assert F.rms_norm(tallow.zeros(3), (3,)).tolist() == [0, 0, 0]
    x = tallow.full((2,), 1e-4)
    expected = 1e-4 / (1e-8 + 2**-23) ** 0.5
    assert abs(F.rms_norm(x, (2,))[0].item() / expected - 1) < 1e-5


@pytest.mark.parametrize(("shape", "groups"), [((2, 6, 5), 3), ((3, 4), 2), ((2, 4, 9, 11), 1), ((2, 5, 3, 3), 5)])
def test_group_norm(shape, groups):
    x = tallow.randn(shape) * 2 + 1
    agree(
        lambda *t: F.group_norm(t[0], groups, t[1], t[2]),
        lambda *t: by_group_norm(t[0], groups, t[1], t[2]),
        [x, *parameters(shape[1])],
    )
    leaves = (tallow.randn(2, 4, 3, dtype=tallow.float64, requires_grad=True), *parameters(4, tallow.float64))
    assert gradgradcheck(lambda *t: F.group_norm(t[0], 2, t[1], t[2]), leaves)


def test_instance_norm():
    x, (w, b) = tallow.randn(3, 4, 5, 6), parameters(4)
    close(F.instance_norm(x, weight=w, bias=b), standard(x, (2, 3)) * per_channel(w, x) + per_channel(b, x))
    mean, var = tallow.zeros(4), tallow.ones(4)
    y = F.instance_norm(x, mean, var, w, b, momentum=0.5)
    close(y, F.instance_norm(x, weight=w, bias=b))
    close(mean, 0.5 * x.mean((0, 2, 3)))
    close(var, 0.5 + 0.5 * x.var((2, 3)).mean(0))
    close(F.instance_norm(x, mean, var, use_input_stats=False), F.batch_norm(x, mean, var))
    leaf = tallow.randn(2, 2, 4, dtype=tallow.float64, requires_grad=True)
    assert gradcheck(F.instance_norm, (leaf,)) and gradgradcheck(F.instance_norm, (leaf,))


@pytest.mark.parametrize("value", [0.1, 1e8, float("nan"), float("inf")])
@pytest.mark.parametrize("shape", [(40, 3), (4, 3, 100), (2, 3, 5, 5)])
def test_constant_channels_have_no_variance(value, shape):
    mean, var = tallow.zeros(3), tallow.ones(3)
    y = F.batch_norm(tallow.full(shape, value), mean, var, training=True, momentum=1.0)
    if value < 1e9:
        assert var.tolist() == [0, 0, 0] and y.abs().max().item() <= 1e-5 * value / EPS**0.5
    else:
        assert bool(y.isnan().all()) and bool(var.isnan().all())


def test_empty_batches():
    x = tallow.zeros(0, 3, 4, requires_grad=True)
    running = tallow.zeros(3), tallow.ones(3)
    for y in (
        F.batch_norm(x, *running, training=True),
        F.layer_norm(x, (4,), tallow.ones(4, requires_grad=True)),
        F.group_norm(x, 3, *parameters(3)),
        F.instance_norm(x),
    ):
        assert y.shape == x.shape
        y.sum().backward()
    assert running[1].tolist() == [1, 1, 1]
    nothing = tallow.zeros(0, requires_grad=True)
    assert F.batch_norm(nothing, nothing, nothing, training=True).shape == (0,)


@pytest.mark.parametrize("dtype", [tallow.bfloat16, tallow.float16])
def test_short_floats_are_computed_in_float32(dtype):
    x = tallow.randn(4, 6, 5).to(dtype).requires_grad_()
    w = tallow.randn(6).to(dtype).requires_grad_()
    for function in (
        lambda x, w: F.batch_norm(x, None, None, w, training=True),
        lambda x, w: F.group_norm(x, 2, w),
        lambda x, w: F.layer_norm(x.transpose(1, 2), (6,), w),
        lambda x, w: F.rms_norm(x.transpose(1, 2), (6,), w, EPS),
    ):
        y, expected = function(x, w), function(x.float(), w.float())
        close(y, expected.to(dtype), 1e-2)
        dx, dw = tallow.autograd.grad(y.sum(), (x, w))
        assert dx.dtype == dw.dtype == dtype


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
        lambda x, w, b: F.batch_norm(x[:, :2], None, None, w[:2], b[:2], True),
        lambda x, w, b: F.batch_norm(x.contiguous(memory_format=tallow.channels_last), None, None, w, b, True),
        lambda x, w, b: F.group_norm(x, 4, w, b),
        lambda x, w, b: F.layer_norm(x.permute(0, 2, 3, 1), (32,), w, b),
        lambda x, w, b: F.rms_norm(x.permute(0, 2, 3, 1), (32,), w),
    ],
)
def test_the_same_bits_for_any_number_of_threads(function):
    tensors, before, results = (tallow.randn(5, 32, 40, 41), *parameters(32)), tallow.get_num_threads(), []
    for threads in (1, 2, 3):
        tallow.set_num_threads(threads)
        leaves = [t.detach().clone().requires_grad_() for t in tensors]
        y = function(*leaves)
        y.backward(y.detach().cos())
        results.append((y, *(t.grad for t in leaves if t.grad is not None)))
    tallow.set_num_threads(before)
    for other in results[1:]:
        assert all(tallow.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_what_the_ops_behind_are_given_is_checked():
    ops, x, c = tallow.ops.nn, tallow.ones(2, 3, 4), tallow.ones(3)
    for call in (
        lambda: ops.native_batch_norm(x, tallow.ones(2), None, None, None, True, EPS),
        lambda: ops.batch_norm_backward(x, x, None, tallow.ones(2), c, True, EPS),
        lambda: ops.batch_norm_backward(x[:1], x, None, c, c, True, EPS),
        lambda: ops.batch_norm_double_backward([x], x, x, None, c, c, True, EPS),
        lambda: ops.layer_norm_backward(x, x, (4,), None, c, c, EPS),
        lambda: ops.layer_norm_backward(x, x, (3,), None, c, c, EPS),
        lambda: ops.rms_norm_backward(x, x, (4,), None, c, EPS),
        lambda: ops.group_norm_backward(x, x, 3, None, c, c, EPS),
        lambda: ops.group_norm_backward(x, x, 0, None, c, c, EPS),
    ):
        with pytest.raises(RuntimeError):
            call()


def test_shapes_without_data():
    x = tallow.empty(2, 4, 3, 3, device="meta")
    for m in (nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.LayerNorm(3), nn.RMSNorm(3), nn.InstanceNorm2d(4)):
        assert m.to("meta")(x).shape == x.shape
