"""nn.utils: clipping gradients, parameters as a vector."""

import math

import pytest

import tallow
from tallow import nn
from tallow.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)


def with_grads(*rows):
    params = [nn.Parameter(tallow.zeros(len(row))) for row in rows]
    for p, row in zip(params, rows, strict=True):
        p.grad = tallow.tensor(row)
    return params


@pytest.mark.parametrize(("order", "norm"), [(2, 5.0), (1, 7.0), (math.inf, 4.0)])
def test_clip_norm(order, norm):
    params = [*with_grads([3.0, 0.0], [-4.0]), nn.Parameter(tallow.ones(1))]
    assert clip_grad_norm_(params, 1.0, order).item() == norm
    assert abs(get_total_norm([p.grad for p in params[:2]], order).item() - 1) < 1e-5
    assert clip_grad_norm_(params, 10.0, order).item() < 1.00001
    assert abs(params[0].grad[0].item() - 3 / norm) < 1e-5


def test_clip_norm_edge_cases():
    assert clip_grad_norm_([nn.Parameter(tallow.ones(1))], 1.0).item() == 0
    (p,) = with_grads([math.nan])
    with pytest.raises(RuntimeError, match="non-finite"):
        clip_grad_norm_(p, 1.0, error_if_nonfinite=True)


def test_clip_value():
    params = with_grads([3.0, -0.5], [-4.0])
    clip_grad_value_(params, 1)
    assert [p.grad.tolist() for p in params] == [[1.0, -0.5], [-1.0]]


def test_vector_round_trip():
    a, b = nn.Linear(3, 2), nn.Linear(3, 2)
    vector = parameters_to_vector(a.parameters())
    vector_to_parameters(vector, b.parameters())
    assert tuple(vector.shape) == (8,) and tallow.equal(a.weight, b.weight) and tallow.equal(a.bias, b.bias)
    with pytest.raises(TypeError):
        vector_to_parameters([1.0], b.parameters())
