"""L-BFGS finds minima; its line search, its state, its limits."""

import pytest

import tallow
from tallow.optim import LBFGS
from tallow.optim._line_search import strong_wolfe
from weights import Weight, weight


def rosenbrock(w):
    """The loss and gradient of 100 (y - x^2)^2 + (1 - x)^2."""
    x, y = w.tolist()
    loss = 100 * (y - x * x) ** 2 + (1 - x) ** 2
    grad = [-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)]
    return loss, tallow.tensor(grad, dtype=tallow.float64)


def closure_of(w, calls):
    def closure():
        calls.append(1)
        loss, w.grad = rosenbrock(w)
        return tallow.tensor(loss)

    return closure


def test_it_finds_the_minimum_of_a_curved_valley():
    w, calls = weight([-1.2, 1.0]), []
    opt = LBFGS([w], max_iter=100, tolerance_change=1e-14, line_search_fn="strong_wolfe")
    first = opt.step(closure_of(w, calls))
    assert first.item() == pytest.approx(24.2)
    assert w.tolist() == pytest.approx([1.0, 1.0], abs=1e-6)
    assert opt.state[w]["func_evals"] == len(calls) < 80


def test_without_a_line_search_it_moves_by_the_rate():
    w = weight([4.0])

    def closure():
        w.grad = 2 * w
        return (w * w).sum()

    opt = LBFGS([w], lr=0.5, max_iter=1)
    opt.step(closure)
    assert w.item() == pytest.approx(4.0 - 0.5 * 8.0 / 8.0)  # the first step is at most one long
    opt.step(closure)
    assert w.item() == pytest.approx(1.75)  # by half the way to the minimum: the curvature is known now


def test_several_parameters_are_one_vector_and_a_missing_gradient_is_zero():
    a, b, still = weight([1.0, 2.0]), Weight(tallow.tensor([3.0 + 4.0j], dtype=tallow.complex128)), weight([7.0])

    def closure():
        a.grad, b.grad = 2 * a, 2 * b
        return (a * a).sum() + (b.abs() ** 2).sum()

    LBFGS([a, b, still], line_search_fn="strong_wolfe").step(closure)
    assert a.abs().max().item() < 1e-6 and b.abs().item() < 1e-6 and still.item() == 7.0


def test_resuming_goes_on_exactly():
    results = []
    for interrupted in (False, True):
        w = weight([-1.2, 1.0])
        opt = LBFGS([w], max_iter=3, history_size=2)
        for _ in range(2):
            opt.step(closure_of(w, []))
        if interrupted:
            state = opt.state_dict()
            w = Weight(w.clone())
            opt = LBFGS([w], max_iter=3, history_size=2)
            opt.load_state_dict(state)
        opt.step(closure_of(w, []))
        results.append(w.tolist())
        assert len(opt.state[w]["old_dirs"]) == 2
    assert results[0] == results[1]


def test_state_has_the_names_that_files_have():
    w = weight([-1.2, 1.0])
    opt = LBFGS([w], max_iter=3)
    opt.step(closure_of(w, []))
    assert set(opt.state_dict()["state"][0]) == {
        "func_evals", "n_iter", "d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss", "al",
    }  # fmt: skip


def test_it_stops_where_the_gradient_vanishes_and_after_max_eval():
    w, calls = weight([1.0, 1.0]), []
    LBFGS([w]).step(closure_of(w, calls))
    assert len(calls) == 1
    w, calls = weight([-1.2, 1.0]), []
    LBFGS([w], max_eval=4, line_search_fn="strong_wolfe").step(closure_of(w, calls))
    assert len(calls) <= 5


def test_another_line_search_is_refused():
    w = weight([-1.2, 1.0])
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        LBFGS([w], line_search_fn="armijo").step(closure_of(w, []))


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 50.0])
def test_the_line_search_meets_both_conditions(first):
    def evaluate(step):  # along x from -2: the loss (x^2 - 1)^2 + x
        x = -2.0 + step
        return (x * x - 1) ** 2 + x, tallow.tensor([4 * x * (x * x - 1) + 1], dtype=tallow.float64)

    start, grad = evaluate(0.0)
    slope = grad.item()
    direction = tallow.ones(1, dtype=tallow.float64)
    loss, grad, step, _ = strong_wolfe(evaluate, first, direction, start, grad, slope)
    assert loss == evaluate(step)[0]
    assert loss <= start + 1e-4 * step * slope and abs(grad.item()) <= 0.9 * abs(slope)
