"""Steps with gradients of sparse layout, against the formulas on the rows that the gradient holds."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest

import tallow
from tallow import Tensor, optim
from weights import Weight

ROWS = [[3, 0, 3]]  # a row may occur twice


def gradient(step: int) -> Tensor:
    values = tallow.arange(6.0).reshape(3, 2) * 0.5 - step
    return tallow.sparse_coo_tensor(ROWS, values, (5, 2))


def run(make: Any, steps: int = 3) -> tuple[Tensor, Any]:
    weight = Weight(tallow.arange(10.0).reshape(5, 2))
    opt = make([weight])
    for step in range(steps):
        weight.grad = gradient(step)
        opt.step()
    return weight, opt


def test_sgd_takes_sparse_gradients() -> None:
    weight, _ = run(lambda p: optim.SGD(p, lr=0.1))
    want = tallow.arange(10.0).reshape(5, 2)
    for step in range(3):
        want -= 0.1 * gradient(step).to_dense()
    assert tallow.allclose(weight, want)
    up, _ = run(lambda p: optim.SGD(p, lr=0.1, maximize=True))
    assert tallow.allclose(up + weight, 2 * tallow.arange(10.0).reshape(5, 2))


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_is_sparse_too(nesterov: bool) -> None:
    weight, opt = run(lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=nesterov))
    assert opt.state[weight]["momentum_buffer"].is_sparse
    dense = Weight(tallow.arange(10.0).reshape(5, 2))
    other = optim.SGD([dense], lr=0.1, momentum=0.9, nesterov=nesterov)
    for step in range(3):
        dense.grad = gradient(step).to_dense()
        other.step()
    assert tallow.allclose(weight, dense)


def test_a_group_may_have_both_layouts() -> None:
    a, b = Weight(tallow.ones(5, 2)), Weight(tallow.ones(3))
    for make in (lambda p: optim.SGD(p, lr=0.5), lambda p: optim.Adagrad(p, lr=0.5)):
        opt = make([a, b])
        a.grad, b.grad = gradient(0), tallow.ones(3)
        opt.step()
        assert b[0] < 1 and a[1].tolist() == [1, 1]


def test_adagrad() -> None:
    weight, _ = run(lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.5, eps=1e-3))
    dense = Weight(tallow.arange(10.0).reshape(5, 2))
    other = optim.Adagrad([dense], lr=0.1, lr_decay=0.5, eps=1e-3)
    for step in range(3):
        dense.grad = gradient(step).to_dense()
        other.step()
    assert tallow.allclose(weight, dense)
    with pytest.raises(RuntimeError, match="weight_decay option is not compatible with sparse gradients"):
        run(lambda p: optim.Adagrad(p, weight_decay=0.1))


@pytest.mark.parametrize("maximize", [False, True])
def test_sparse_adam_steps_the_rows_that_are_held(maximize: bool) -> None:
    weight, opt = run(lambda p: optim.SparseAdam(p, lr=0.1, betas=(0.8, 0.95), eps=1e-4, maximize=maximize))
    want = tallow.arange(10.0).reshape(5, 2)
    mean, square = tallow.zeros(5, 2), tallow.zeros(5, 2)
    for step in range(3):
        g = gradient(step).to_dense() * (-1 if maximize else 1)
        for r in (0, 3):
            mean[r] = 0.8 * mean[r] + 0.2 * g[r]
            square[r] = 0.95 * square[r] + 0.05 * g[r] ** 2
            size = 0.1 * math.sqrt(1 - 0.95 ** (step + 1)) / (1 - 0.8 ** (step + 1))
            want[r] -= size * mean[r] / (square[r].sqrt() + 1e-4)
    assert tallow.allclose(weight, want, atol=1e-6)
    assert opt.state[weight]["step"] == 3


def test_adam_names_the_one_that_does() -> None:
    for make in (optim.Adam, optim.AdamW):
        with pytest.raises(RuntimeError, match="Adam does not support sparse gradients, please consider SparseAdam"):
            run(make)


NAMES = ["RMSprop", "NAdam", "RAdam", "Adamax", "ASGD", "Rprop", "Adadelta", "Adafactor", "Muon"]


OPTIONS = [{}, {"fused": False}, {"foreach": False}]
CASES = [(n, o) for n in NAMES for o in OPTIONS if o.keys() <= inspect.signature(getattr(optim, n)).parameters.keys()]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_others_refuse(name: str, options: dict[str, Any]) -> None:
    make = getattr(optim, name)
    with pytest.raises(RuntimeError, match=f"{name} does not support sparse gradients"):
        run(lambda p: make(p, **options))


def test_weight_decay_makes_the_gradient_dense() -> None:
    with pytest.raises(RuntimeError, match=r"add\(sparse, dense\) is not supported"):
        run(lambda p: optim.SGD(p, lr=0.1, weight_decay=0.1))


def test_lbfgs_takes_the_zeros_too() -> None:
    weight = Weight(tallow.ones(5, 2))
    opt = optim.LBFGS([weight], max_iter=1)

    def closure() -> Tensor:
        weight.grad = gradient(0)
        return weight.sum()

    opt.step(closure)
    assert weight[1].tolist() == [1, 1] and weight[0].tolist() != [1, 1]
