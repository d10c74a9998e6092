"""``tallow.func``: derivatives as functions, nested and of containers."""

import math

import pytest

import tallow
from tallow import func

x = tallow.tensor([1.0, 2.0, 3.0], dtype=tallow.float64)


def cubes(t):
    return (t**3).sum()


def test_grad():
    assert func.grad(cubes)(x).tolist() == [3.0, 12.0, 27.0]
    value = func.grad_and_value(cubes)(x)
    assert value[0].tolist() == [3.0, 12.0, 27.0] and value[1].item() == 36.0 and not value[0].requires_grad
    by_both = func.grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(x, x + 1)
    assert [g.tolist() for g in by_both] == [[2.0, 3.0, 4.0], [1.0, 2.0, 3.0]]
    assert func.grad(lambda a, b: (a * b).sum(), argnums=-1)(x, x).tolist() == x.tolist()
    result, aux = func.grad(lambda t: (cubes(t), "more"), has_aux=True)(x)
    assert result.tolist() == [3.0, 12.0, 27.0] and aux == "more"
    tree = func.grad(lambda p: (p["w"] * x).sum() + p["b"][0])({"w": x, "b": [tallow.tensor(1.0)]})
    assert tree["w"].tolist() == x.tolist() and tree["b"][0].item() == 1.0
    assert func.grad(lambda t: tallow.tensor(1.0))(x).tolist() == [0.0, 0.0, 0.0]


def test_grad_nests():
    third = func.grad(func.grad(func.grad(lambda t: t**5)))
    assert third(tallow.tensor(2.0)).item() == 240.0
    # by an outer argument, inside an inner derivative
    mixed = func.grad(lambda a: func.grad(lambda b: (a**2) * (b**3))(tallow.tensor(2.0)))
    assert mixed(tallow.tensor(3.0)).item() == 72.0


def test_what_has_a_history_keeps_it():
    w = tallow.ones(3, dtype=tallow.float64, requires_grad=True)
    g = func.grad(lambda t: cubes(t * 2.0))(w)
    g.sum().backward()
    assert g.requires_grad and w.grad.tolist() == [48.0] * 3


def test_vjp_and_jvp():
    value, pull = func.vjp(lambda a, b: (a * b, a.sum()), x, x + 1)
    assert value[0].tolist() == [2.0, 6.0, 12.0]
    for _ in range(2):
        a, b = pull((tallow.ones(3, dtype=tallow.float64), tallow.tensor(1.0, dtype=tallow.float64)))
        assert a.tolist() == [3.0, 4.0, 5.0] and b.tolist() == [1.0, 2.0, 3.0]
    value, pull, aux = func.vjp(lambda t: (t.sin(), t), x, has_aux=True)
    assert pull(tallow.ones(3, dtype=tallow.float64))[0].allclose(x.cos()) and aux.tolist() == x.tolist()
    value, tangent = func.jvp(tallow.sin, (x,), (tallow.ones(3, dtype=tallow.float64),))
    assert tangent.allclose(x.cos()) and value.allclose(x.sin())


def test_jacobians_and_hessians():
    matrix = tallow.arange(6.0, dtype=tallow.float64).reshape(2, 3)
    assert func.jacrev(lambda t: matrix @ t)(x).tolist() == matrix.tolist()
    assert func.jacfwd(lambda t: matrix @ t)(x).tolist() == matrix.tolist()
    assert func.hessian(cubes)(x).tolist() == [[6.0, 0.0, 0.0], [0.0, 12.0, 0.0], [0.0, 0.0, 18.0]]
    assert func.jacrev(lambda t: tallow.ones(2))(x).tolist() == [[0.0] * 3] * 2
    a, b = func.jacrev(lambda a, b: a * b, argnums=(0, 1))(tallow.tensor(2.0), tallow.tensor(5.0))
    assert (a.item(), b.item()) == (5.0, 2.0)


def test_something_else_is_returned_as_well():
    for transform in (func.jacrev, func.jacfwd):
        jacobian, aux = transform(lambda t: (t * t, "more"), has_aux=True)(x)
        assert jacobian.diagonal().tolist() == [2.0, 4.0, 6.0] and aux == "more"
    value, tangent, aux = func.jvp(lambda t: (t * t, "more"), (x,), (tallow.ones_like(x),), has_aux=True)
    assert tangent.tolist() == [2.0, 4.0, 6.0] and value.tolist() == [1.0, 4.0, 9.0] and aux == "more"


def test_errors():
    with pytest.raises(RuntimeError, match=r"Expected f\(\*args\) to return a scalar tensor, got \(3,\)"):
        func.grad(lambda t: t)(x)
    with pytest.raises(RuntimeError, match="Got argnum=1, but only 1 positional inputs"):
        func.grad(cubes, argnums=1)(x)
    with pytest.raises(AttributeError, match="has no attribute 'vmap'"):
        _ = func.vmap


def test_physics():
    """The derivative of the motion of a pendulum's linear limit is minus itself, twice."""

    def motion(t):
        return t.sin()

    t = tallow.tensor(0.3, dtype=tallow.float64)
    assert math.isclose(func.grad(func.grad(motion))(t).item(), -math.sin(0.3))
