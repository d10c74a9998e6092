"""Jacobians, Hessians and their products with vectors, by reverse mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tallow
from tallow import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = tuple[Tensor, ...]


def _tuple(value: Any, name: str, function: str) -> tuple[bool, Tensors]:
    is_tuple = isinstance(value, tuple)
    values = value if is_tuple else (value,)
    for i, v in enumerate(values):
        if not isinstance(v, Tensor):
            where = f"The value at index {i} of the {name}" if is_tuple else f"The {name}"
            raise TypeError(
                f"{where} given to {function} must be either a Tensor or a tuple of Tensors but "
                f"{'it' if is_tuple else 'the given ' + name} "
                f"has type {type(v)}."
            )
    return is_tuple, values


def _inputs(values: Tensors, create_graph: bool) -> Tensors:
    """Inputs of their own, so that the caller's graph and .grad stay as they are."""
    if create_graph:
        return tuple(v.view_as(v) if v.requires_grad else v.detach().requires_grad_() for v in values)
    return tuple(v.detach().requires_grad_() for v in values)


def _call(func: Callable[..., Any], inputs: Tensors, function: str) -> tuple[bool, Tensors]:
    return _tuple(func(*inputs), "outputs of the user-provided function", function)


def _check_strict(outputs: Tensors, function: str) -> None:
    for i, o in enumerate(outputs):
        if not o.requires_grad:
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients. The outputs "
                "must be computed in a "
                f"differentiable manner from the input when running in strict mode ({function})."
            )


def _grad(outputs: Tensors, inputs: Tensors, grads: Tensors | None, create_graph: bool) -> tuple[Tensor | None, ...]:
    pairs = [(o, None if grads is None else grads[i]) for i, o in enumerate(outputs) if o.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    return tallow.autograd.grad(
        [o for o, _ in pairs],
        inputs,
        None if grads is None else [g for _, g in pairs],
        allow_unused=True,
        create_graph=create_graph,
        retain_graph=True,
    )


def _filled(grads: tuple[Tensor | None, ...], like: Tensors, strict: bool, what: str) -> Tensors:
    out = []
    for i, (g, x) in enumerate(zip(grads, like, strict=True)):
        if g is None and strict:
            raise RuntimeError(f"{what} is independent of input {i}. This is not allowed in strict mode.")
        out.append(tallow.zeros_like(x) if g is None else g)
    return tuple(out)


def _result(values: Tensors, is_tuple: bool, create_graph: bool) -> Any:
    if not create_graph:
        values = tuple(v.detach() for v in values)
    return values if is_tuple else values[0]


def _vector(v: Any, like: Tensors, is_tuple: bool, function: str, what: str) -> Tensors:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            who = "input to the user-provided function is" if what == "input" else "user-provided function returns"
            raise RuntimeError(f"The vector v can only be None if the {who} a single Tensor with a single element.")
        return (tallow.ones_like(like[0]),)
    _, values = _tuple(v, "v", function)
    if len(values) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(values)}.")
    for i, (a, b) in enumerate(zip(values, like, strict=True)):
        if a.shape != b.shape:
            entry = f"Entry {i} in v" if isinstance(v, (tuple, list)) else "v"
            raise RuntimeError(f"{entry} has invalid size: should be {b.shape} but got {a.shape}.")
    return values


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(*inputs)`` and the product of ``v`` with its Jacobian.

    >>> import tallow
    >>> from tallow.autograd.functional import vjp
    >>> vjp(lambda x: x * x, tallow.tensor([1.0, 2.0]), tallow.tensor([1.0, 1.0]))[1]
    tensor([2., 4.])
    """
    with tallow.enable_grad():
        is_tuple, given = _tuple(inputs, "inputs", "vjp")
        xs = _inputs(given, create_graph)
        out_tuple, outputs = _call(func, xs, "vjp")
        if strict:
            _check_strict(outputs, "vjp")
        vector = _vector(v, outputs, out_tuple, "vjp", "output")
        found = _filled(
            _grad(outputs, xs, vector, create_graph), xs, strict, "The output of the user-provided function"
        )
    return _result(outputs, out_tuple, create_graph), _result(found, is_tuple, create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(*inputs)`` and the product of its Jacobian with ``v``, by differentiating the vector-Jacobian product."""
    with tallow.enable_grad():
        _, given = _tuple(inputs, "inputs", "jvp")
        xs = _inputs(given, create_graph)
        vector = _vector(v, given, True, "jvp", "input")
        out_tuple, outputs = _call(func, xs, "jvp")
        if strict:
            _check_strict(outputs, "jvp")
        # The vector-Jacobian product is linear in its vector: its derivative there is the Jacobian itself.
        probe = tuple(tallow.zeros_like(o).requires_grad_() for o in outputs)
        back = _filled(_grad(outputs, xs, probe, True), xs, strict, "The output of the user-provided function")
        found = _filled(
            _grad(back, probe, vector, create_graph), outputs, strict, "The Jacobian of the user-provided function"
        )
    return _result(outputs, out_tuple, create_graph), _result(found, out_tuple, create_graph)


def _scalar_and_gradient(func: Callable[..., Any], xs: Tensors, strict: bool, function: str) -> tuple[Tensor, Tensors]:
    """What `func` returns, which has to be one number, and its gradient as a graph of its own."""
    out_tuple, outputs = _call(func, xs, function)
    if out_tuple or outputs[0].ndim > 1 or outputs[0].numel() != 1:
        raise RuntimeError(f"The function given to {function} should return a single Tensor with a single element")
    if strict:
        _check_strict(outputs, function)
    return outputs[0], _filled(_grad(outputs, xs, None, True), xs, strict, "The output of the user-provided function")


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(*inputs)``, a scalar, and the product of ``v`` with its Hessian."""
    with tallow.enable_grad():
        is_tuple, given = _tuple(inputs, "inputs", "vhp")
        xs = _inputs(given, create_graph)
        vector = _vector(v, given, is_tuple, "vhp", "input")
        output, jac = _scalar_and_gradient(func, xs, strict, "vhp")
        found = _filled(_grad(jac, xs, vector, create_graph), xs, strict, "The jacobian of the user-provided function")
    return _result((output,), False, create_graph), _result(found, is_tuple, create_graph)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(*inputs)``, a scalar, and the product of its Hessian with ``v``."""
    with tallow.enable_grad():
        is_tuple, given = _tuple(inputs, "inputs", "hvp")
        xs = _inputs(given, create_graph)
        vector = _vector(v, given, is_tuple, "hvp", "input")
        output, jac = _scalar_and_gradient(func, xs, strict, "hvp")
        probe = tuple(tallow.zeros_like(x).requires_grad_() for x in xs)
        back = _filled(_grad(jac, xs, probe, True), xs, strict, "The jacobian of the user-provided function")
        found = _filled(
            _grad(back, probe, vector, create_graph), xs, strict, "The Hessian of the user-provided function"
        )
    return _result((output,), False, create_graph), _result(found, is_tuple, create_graph)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """All derivatives of the outputs of ``func`` with respect to ``inputs``: of shape ``output.shape + input.shape``.

    A tensor for one input and one output, else tuples of them (outputs outside, inputs inside). ``vectorize`` and
    ``strategy`` are accepted for compatibility; the result is the same.

    >>> import tallow
    >>> tallow.autograd.functional.jacobian(lambda x: x.exp(), tallow.zeros(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(
            "Expected strategy to be either 'forward-mode' or 'reverse-mode'. Hint: If your function "
            "has more outputs than "
            "inputs, 'forward-mode' tends to be more performant. Otherwise, prefer to use 'reverse-mode'."
        )
    with tallow.enable_grad():
        is_tuple, given = _tuple(inputs, "inputs", "jacobian")
        xs = _inputs(given, create_graph)
        out_tuple, outputs = _call(func, xs, "jacobian")
        if strict:
            _check_strict(outputs, "jacobian")
        table: list[Tensors] = []
        for o in outputs:
            rows: list[Tensors] = []
            flat = o.reshape(-1)
            what = f"Output {len(table)} of the user-provided function"
            for j in range(flat.numel()):
                found = _grad((flat[j],), xs, None, create_graph)
                rows.append(_filled(found, xs, strict, what))
            if rows:
                stacked = tuple(
                    tallow.stack(c).reshape(tuple(o.shape) + tuple(x.shape))
                    for c, x in zip(zip(*rows, strict=True), xs, strict=True)
                )
            else:
                stacked = tuple(x.new_zeros(tuple(o.shape) + tuple(x.shape)) for x in xs)
            table.append(tuple(s if create_graph else s.detach() for s in stacked))
    per_output = [row if is_tuple else row[0] for row in table]
    return tuple(per_output) if out_tuple else per_output[0]


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """All second derivatives of a scalar function.

    A tensor for one input, else a tuple of tuples.

    >>> import tallow
    >>> tallow.autograd.functional.hessian(lambda x: (x * x * x).sum(), tallow.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    is_tuple, given = _tuple(inputs, "inputs", "hessian")

    def first(*xs: Tensor) -> Any:
        return _scalar_and_gradient(func, xs, strict, "hessian")[1]

    table = jacobian(first, given, create_graph=create_graph, strict=strict)
    return table if is_tuple else table[0][0]
