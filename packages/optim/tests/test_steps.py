"""Steps on layouts, dtypes, groups and rates of many kinds; the formulas themselves are tested in test_rules.py."""

import pytest

import tallow
from tallow.optim import SGD, Adam, AdamW
from weights import Weight, weight

np = pytest.importorskip("numpy")
import formulas  # noqa: E402

GRADS = [0.5, -1.0, 0.25, 2.0, -0.125]


def sgd(values, **options):
    return follow(formulas.sgd, values, options)


def adam(values, **options):
    return follow(formulas.adam, values, options)


def follow(rule, values, options):
    """Where the rule leads from 1.5 with these gradients."""
    x, state = np.float64(1.5), {}
    for t, g in enumerate(values, 1):
        x = rule(x, np.float64(g), t, state, {"lr": 0.1, **options})
    return float(x)


def run(make, grads=GRADS, shape=3):
    """Step one parameter of equal elements, beside one that never has a gradient."""
    w, still = weight([1.5] * shape), weight([7.0])
    opt = make([w, still])
    for g in grads:
        w.grad = tallow.full((shape,), g, dtype=tallow.float64)
        opt.step()
    assert still.tolist() == [7.0]
    assert len(set(w.tolist())) == 1
    return w[0].item(), opt


@pytest.mark.parametrize("make", [lambda p: SGD(p, momentum=0.9), Adam])
def test_many_shapes_and_layouts(make):
    """Fused and plain steps agree on odd sizes, and on parameters and gradients that are not contiguous."""
    results = []
    for fused in (None, False):
        tallow.manual_seed(0)
        params = []
        for shape in [(), (1,), (7,), (33, 3), (5, 1, 4)]:
            params.append(weight(tallow.randn(shape).tolist(), dtype=tallow.float32))
        params.append(type(params[0])(tallow.randn(6, 4).t()))
        opt = make(params)
        opt.param_groups[0]["fused"] = fused
        for _ in range(3):
            for p in params:
                p.grad = tallow.randn(p.shape) if p.dim() != 2 else tallow.randn(tuple(p.shape)[::-1]).t()
            opt.step()
        results.append(params)
    for a, b in zip(*results, strict=True):
        assert (a - b).abs().max().item() < 1e-6


@pytest.mark.parametrize("make", [lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: Adam(p, lr=0.1)])
@pytest.mark.parametrize("kind", ["half", "bfloat16", "gaps"])
def test_what_the_native_step_does_not_take_is_stepped_by_plain_ops(make, kind):
    whole = tallow.full((4, 6), 1.5, dtype=getattr(tallow, {"gaps": "float64"}.get(kind, kind)))
    w = Weight(whole[:, ::2] if kind == "gaps" else whole)
    opt = make([w])
    for g in GRADS:
        w.grad = tallow.full(tuple(w.shape), g, dtype=w.dtype)
        opt.step()
    expected = sgd(GRADS, momentum=0.9) if type(opt) is SGD else adam(GRADS)
    assert w[0, 0].item() == pytest.approx(expected, rel=1e-9 if kind == "gaps" else 3e-2)
    assert kind != "gaps" or whole[0, 1].item() == 1.5


def test_a_gradient_of_another_layout_for_a_single_column():
    w = weight([[1.5], [1.5], [1.5]])
    w.grad = tallow.full((1, 3), 1.0, dtype=tallow.float64).t()
    SGD([w], lr=0.5).step()
    assert w.tolist() == [[1.0], [1.0], [1.0]]


def test_a_gradient_that_comes_later_starts_its_own_momentum():
    late, early = weight([1.5]), weight([1.5])
    opt = SGD([late, early], lr=0.1, momentum=0.9)
    for step, g in enumerate(GRADS):
        early.grad = tallow.full((1,), g, dtype=tallow.float64)
        late.grad = None if step < 2 else early.grad
        opt.step()
    assert early.item() == pytest.approx(sgd(GRADS, momentum=0.9))
    assert late.item() == pytest.approx(sgd(GRADS[2:], momentum=0.9))


def test_groups_have_options_of_their_own():
    a, b = weight([1.5]), weight([1.5])
    opt = SGD([{"params": [a]}, {"params": b, "lr": 0.5, "momentum": 0.9}], lr=0.1)
    for g in GRADS:
        a.grad = b.grad = tallow.full((1,), g, dtype=tallow.float64)
        opt.step()
    assert a.item() == pytest.approx(sgd(GRADS)) and b.item() == pytest.approx(sgd(GRADS, lr=0.5, momentum=0.9))


@pytest.mark.parametrize("make", [lambda p: SGD(p, momentum=0.9), lambda p: Adam(p, amsgrad=True), AdamW])
def test_resuming_from_a_state_dict_changes_nothing(make, tmp_path):
    whole, _ = run(make)
    _, first = run(make, GRADS[:2])
    tallow.save(first.state_dict(), tmp_path / "state")
    saved = tallow.load(tmp_path / "state")
    w = weight(first.param_groups[0]["params"][0].tolist())
    opt = make([w, weight([7.0])])
    opt.load_state_dict(saved)
    for g in GRADS[2:]:
        w.grad = tallow.full((3,), g, dtype=tallow.float64)
        opt.step()
    assert w[0].item() == whole


def test_a_tensor_as_learning_rate():
    lr = tallow.tensor(0.1, dtype=tallow.float64)
    result, _ = run(lambda params: SGD(params, lr=lr))
    assert result == pytest.approx(sgd(GRADS))


def test_state_that_is_replaced_by_hand_is_used():
    w = weight([1.5], [1.0])
    opt = SGD([w], lr=0.1, momentum=0.5)
    opt.step()
    opt.state[w]["momentum_buffer"] = tallow.full((1,), 10.0, dtype=tallow.float64)
    opt.step()
    assert w.item() == pytest.approx(1.4 - 0.1 * 6)


def test_differentiable_step():
    pytest.importorskip("tallow.autograd")
    lr = tallow.tensor(0.1, dtype=tallow.float64, requires_grad=True)
    start = tallow.tensor([1.0, 2.0], dtype=tallow.float64, requires_grad=True)
    w = start * 1
    w.grad = start.detach() * 3
    SGD([w], lr=lr, differentiable=True).step()
    w.sum().backward()
    assert lr.grad.item() == pytest.approx(-9) and start.grad.tolist() == [1, 1]
