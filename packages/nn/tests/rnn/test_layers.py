"""Recurrent layers and cells against NumPy, step by step."""

import numpy as np
import pytest

import tallow
from tallow import nn, ops
from tallow.autograd import gradcheck, gradgradcheck

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference_step(mode, x, h, c, w_ih, w_hh, b_ih, b_hh):
    gx, gh = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh
    if mode == "LSTM":
        i, f, g, o = np.split(gx + gh, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    if mode == "GRU":
        (xr, xz, xn), (hr, hz, hn) = np.split(gx, 3, -1), np.split(gh, 3, -1)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        return (1 - z) * np.tanh(xn + r * hn) + z * h, None
    return (np.tanh if mode == "RNN_TANH" else lambda s: np.maximum(s, 0))(gx + gh), None


def reference(mode, x, h, c, weights, sizes, reverse):
    """One sequence after the other: rows of step t begin at offset[t]."""
    offset = np.concatenate([[0], np.cumsum(sizes)])
    output, h, c = np.zeros((len(x), h.shape[1])), h.copy(), None if c is None else c.copy()
    for b in range(sizes[0]):
        steps = [t for t in range(len(sizes)) if sizes[t] > b]
        for t in reversed(steps) if reverse else steps:
            h[b], cell = reference_step(mode, x[offset[t] + b], h[b], None if c is None else c[b], *weights)
            if c is not None:
                c[b] = cell
            output[offset[t] + b] = h[b]
    return output, h, c


def arguments(mode, sizes, inputs, hidden, dtype=tallow.float64):
    tallow.manual_seed(0)
    rows, batch, gates = sum(sizes), sizes[0], GATES[mode] * hidden
    shapes = [(rows, inputs), (batch, hidden), (batch, hidden), (gates, inputs), (gates, hidden), (gates,), (gates,)]
    tensors = [(0.5 * tallow.randn(*s, dtype=dtype)).requires_grad_() for s in shapes]
    if mode != "LSTM":
        tensors[2] = None
    return tensors


def run(mode, sizes, reverse):
    return lambda *a: tuple(t for t in ops.nn.rnn_layer(*a, None, sizes, mode, reverse) if t is not None)


SIZES = [[3] * 6, [2], [4, 4, 2, 1, 1], [70, 70, 69, 2, 1]]


@pytest.mark.parametrize("mode", GATES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("reverse", [False, True])
def test_one_layer(mode, sizes, reverse):
    a = arguments(mode, sizes, 5, 128 if len(sizes) == 5 else 19)
    got = [t.detach().numpy() for t in run(mode, sizes, reverse)(*a)]
    x, h, c, *weights = (None if t is None else t.detach().numpy() for t in a)
    expected = [t for t in reference(mode, x, h, c, weights, sizes, reverse) if t is not None]
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, atol=1e-12)


@pytest.mark.parametrize("mode", ["LSTM", "GRU", "RNN_TANH"])
@pytest.mark.parametrize("sizes", [[2, 2, 2, 2], [3, 2, 1, 1]], ids=str)
@pytest.mark.parametrize("reverse", [False, True])
def test_gradients(mode, sizes, reverse):
    a = arguments(mode, sizes, 2, 3)
    assert gradcheck(run(mode, sizes, reverse), a)
    assert gradgradcheck(run(mode, sizes[-2:], reverse), arguments(mode, sizes[-2:], 1, 2))


@pytest.mark.parametrize("mode", GATES)
def test_large_gradients_agree_with_autograd_over_cells(mode):
    sizes, steps, batch = [66] * 5, 5, 66
    a, b = arguments(mode, sizes, 7, 37), arguments(mode, sizes, 7, 37)
    sum((t**2).sum() for t in run(mode, sizes, False)(*a)).backward()
    h, c, total = b[1], b[2], 0
    for t in range(steps):
        step = run(mode, [batch], False)(b[0][t * batch : (t + 1) * batch], h, c, *b[3:])
        h, c = step[1], step[2] if mode == "LSTM" else None
        total = total + (h**2).sum()
    total = total + (h**2).sum() + (0 if c is None else (c**2).sum())
    total.backward()
    for x, y in zip(a, b, strict=True):
        if x is not None:
            np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), atol=1e-9)


@pytest.mark.parametrize("mode", GATES)
def test_same_bits_on_any_number_of_threads(mode):
    results = []
    for threads in (1, 2):
        tallow.set_num_threads(threads)
        a = arguments(mode, [33] * 7, 40, 128, tallow.float32)
        out = run(mode, [33] * 7, False)(*a)
        out[0].sum().backward()
        results.append([out[0].detach().numpy(), *(t.grad.numpy() for t in a if t is not None)])
    assert all((x == y).all() for x, y in zip(*results, strict=True))


@pytest.mark.parametrize("mode", GATES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_without_gradients_the_results_are_the_same(mode, sizes):
    a = arguments(mode, sizes, 5, 19)
    kept = run(mode, sizes, False)(*a)
    with tallow.no_grad():
        for x, y in zip(kept, run(mode, sizes, False)(*a), strict=True):
            assert x.tolist() == y.tolist()


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_modules_stack_layers_and_directions(kind, bidirectional, batch_first):
    module = getattr(nn, kind)(3, 4, 2, bidirectional=bidirectional, batch_first=batch_first, dtype=tallow.float64)
    x = tallow.randn(5, 2, 3, dtype=tallow.float64)
    output, state = module(x.transpose(0, 1) if batch_first else x)
    states = [t.detach().numpy() for t in (state if kind == "LSTM" else (state,))]
    mode = "RNN_TANH" if kind == "RNN" else kind
    data = x.numpy().reshape(10, 3)
    names = iter(module._all_weights)
    index = 0
    for _ in range(2):
        outputs = []
        for reverse in (False, True)[: 1 + bidirectional]:
            weights = [getattr(module, name).detach().numpy() for name in next(names)]
            zeros = np.zeros((2, 4))
            out, h, c = reference(mode, data, zeros, zeros if kind == "LSTM" else None, weights, [2] * 5, reverse)
            np.testing.assert_allclose(states[0][index], h, atol=1e-12)
            if c is not None:
                np.testing.assert_allclose(states[1][index], c, atol=1e-12)
            outputs.append(out)
            index += 1
        data = np.concatenate(outputs, 1)
    got = output.transpose(0, 1) if batch_first else output
    np.testing.assert_allclose(got.detach().numpy().reshape(10, -1), data, atol=1e-12)


def test_parameters_have_the_usual_names():
    module = nn.LSTM(3, 5, 1, bidirectional=True, proj_size=2)
    layer = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0"]
    assert list(module.state_dict()) == layer + [name + "_reverse" for name in layer]
    assert list(nn.GRUCell(3, 5, bias=False).state_dict()) == ["weight_ih", "weight_hh"]
    lstm = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
    assert repr(lstm) == "LSTM(3, 4, proj_size=2, num_layers=2, bidirectional=True)"
    assert repr(nn.RNNCell(2, 3, nonlinearity="relu")) == "RNNCell(2, 3, nonlinearity=relu)"


def test_projection():
    module = nn.LSTM(3, 5, proj_size=2, dtype=tallow.float64)
    x, h, c = (tallow.randn(*s, dtype=tallow.float64) for s in [(4, 2, 3), (1, 2, 2), (1, 2, 5)])
    output, (h_n, c_n) = module(x, (h, c))
    h, c = h.numpy()[0], c.numpy()[0]
    weights = [getattr(module, name).detach().numpy() for name in module._all_weights[0]]
    for t in range(4):
        h, c = reference_step("LSTM", x.numpy()[t], h, c, *weights[:4])
        h = h @ weights[4].T
        np.testing.assert_allclose(output[t].detach().numpy(), h, atol=1e-12)
    np.testing.assert_allclose(h_n[0].detach().numpy(), h, atol=1e-12)
    np.testing.assert_allclose(c_n[0].detach().numpy(), c, atol=1e-12)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_cells_are_one_step_of_the_layer(kind):
    layer, cell = getattr(nn, kind)(3, 4), getattr(nn, kind + "Cell")(3, 4)
    cell.load_state_dict({name.removesuffix("_l0"): t for name, t in layer.state_dict().items()})
    x = tallow.randn(2, 3)
    state = layer(x.unsqueeze(0))[1]
    expected = [t[0] for t in (state if kind == "LSTM" else (state,))]
    got = cell(x)
    for g, e in zip(got if kind == "LSTM" else (got,), expected, strict=True):
        np.testing.assert_allclose(g.detach().numpy(), e.detach().numpy(), atol=1e-6)
    single = cell(x[0])
    assert tuple((single[0] if kind == "LSTM" else single).shape) == (4,)


def test_without_a_batch():
    module = nn.LSTM(3, 4, 2)
    x, h, c = tallow.randn(5, 3), tallow.randn(2, 4), tallow.randn(2, 4)
    output, (h_n, c_n) = module(x, (h, c))
    batched, (h_b, c_b) = module(x.unsqueeze(1), (h.unsqueeze(1), c.unsqueeze(1)))
    assert output.tolist() == batched.squeeze(1).tolist()
    assert h_n.tolist() == h_b.squeeze(1).tolist() and c_n.tolist() == c_b.squeeze(1).tolist()


def test_half_precision_and_empty_batch():
    output, _ = nn.GRU(3, 4).bfloat16()(tallow.randn(5, 2, 3).to(tallow.bfloat16))
    assert output.dtype == tallow.bfloat16
    output, (h, _) = nn.LSTM(3, 4)(tallow.zeros(5, 0, 3))
    assert tuple(output.shape) == (5, 0, 4) and tuple(h.shape) == (1, 0, 4)


def test_dropout_is_between_layers_only():
    tallow.manual_seed(0)
    module, x = nn.GRU(3, 4, 2, dropout=1.0), tallow.randn(5, 2, 3)
    without_input = tallow.zeros(5, 2, 4)
    second = nn.GRU(4, 4)
    second.load_state_dict({name.replace("l1", "l0"): t for name, t in module.state_dict().items() if "l1" in name})
    np.testing.assert_allclose(module(x)[0].detach().numpy(), second(without_input)[0].detach().numpy(), atol=1e-6)
    assert module.eval()(x)[0].tolist() == module(x)[0].tolist()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.LSTM(3, 0), ValueError, "hidden_size must be greater than zero"),
        (lambda: nn.LSTM(3, 4, dropout=2), ValueError, "dropout should be a number in range"),
        (lambda: nn.LSTM(3, 4, bias=1), TypeError, "bias should be of type bool, got: int"),
        (lambda: nn.LSTM(3, 4, proj_size=4), ValueError, "proj_size has to be smaller"),
        (lambda: nn.GRU(3, 4, proj_size=2), ValueError, "only supported for LSTM"),
        (lambda: nn.RNN(3, 4, nonlinearity="exp"), ValueError, "Unknown nonlinearity 'exp'"),
        (lambda: nn.LSTM(3, 4)(tallow.zeros(5, 2, 2)), RuntimeError, "Expected 3, got 2"),
        (lambda: nn.LSTM(3, 4)(tallow.zeros(5)), ValueError, "Expected input to be 2D or 3D, got 1D"),
        (lambda: nn.LSTM(3, 4)(tallow.zeros(0, 2, 3)), RuntimeError, "sequence length to be larger than 0"),
        (
            lambda: nn.GRU(3, 4)(tallow.zeros(5, 2, 3), tallow.zeros(1, 3, 4)),
            RuntimeError,
            r"Expected hidden size \(1, 2, 4\), got \[1, 3, 4\]",
        ),
        (
            lambda: nn.GRU(3, 4)(tallow.zeros(5, 2, 3), tallow.zeros(1, 4)),
            RuntimeError,
            "hx should also be 3-D but got 2-D",
        ),
        (lambda: nn.GRU(3, 4)(tallow.zeros(5, 2, 3).double()), ValueError, "does not match weight dtype"),
        (lambda: nn.GRUCell(3, 4)(tallow.zeros(2, 2)), RuntimeError, "got 2 expected 3"),
        (
            lambda: nn.LSTMCell(3, 4)(tallow.zeros(2, 3, 1)),
            ValueError,
            "LSTMCell: Expected input to be 1D or 2D, got 3D",
        ),
        (
            lambda: ops.nn.rnn_layer(*arguments("GRU", [2], 3, 4), None, [1, 2], "GRU"),
            RuntimeError,
            "batch_sizes must not grow",
        ),
        (
            lambda: ops.nn.rnn_layer(*arguments("GRU", [2], 3, 4), None, [2, 2], "GRU"),
            RuntimeError,
            r"input of shape \[4, 3\], got \[2, 3\]",
        ),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_gradients_of_other_shapes_are_refused():
    sizes, a = [2, 2], arguments("LSTM", [2, 2], 3, 4)
    output, hy, cy, gates, cells = ops.nn._rnn_layer(*a, sizes, "LSTM", False, True)
    given = lambda o, g: (o, hy, cy, *a, sizes, "LSTM", False, output, g, cells)  # noqa: E731
    assert len(ops.nn._rnn_layer_gradients(*given(output, gates))) == 7
    with pytest.raises(RuntimeError, match=r"expected gates of shape \[4, 16\], got \[3, 16\]"):
        ops.nn._rnn_layer_gradients(*given(output, gates[:3]))
    with pytest.raises(RuntimeError, match=r"expected grad_output of shape \[4, 4\], got \[4, 3\]"):
        ops.nn._rnn_layer_gradients(*given(output[:, :3], gates))
