"""Derivatives of functions, as functions. They nest: what they return has a history where its arguments have one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tallow
from tallow import Tensor
from tallow.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "vjp"]

Function = Callable[..., Any]


def _inside(tree: Any) -> Any:
    """The tensors as what a derivative is taken by: new ends of the graph, tied to what they come from."""
    return tree_map(lambda x: x.view_as(x) if x.requires_grad else x.detach().requires_grad_(), tree)


def _chosen(argnums: int | tuple[int, ...], args: tuple[Any, ...]) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise RuntimeError(f"Got argnum={n}, but only {len(args)} positional inputs")
    return tuple(n % len(args) for n in numbers)


def _replaced(args: tuple[Any, ...], numbers: tuple[int, ...]) -> tuple[list[Any], list[Tensor]]:
    new = list(args)
    for n in numbers:
        new[n] = _inside(args[n])
    return new, [x for n in numbers for x in tree_leaves(new[n])]


def _gradients(outputs: Any, inputs: list[Tensor], weights: Any) -> list[Tensor]:
    found = tallow.autograd.grad(
        outputs, inputs, weights, retain_graph=True, create_graph=True, allow_unused=True, materialize_grads=True
    )
    return list(found)


def _finished(result: Tensor, inputs: list[Tensor]) -> Tensor:
    """Without its history, if that leads to nothing but what the derivative was taken by.

    It leads further where a derivative is taken inside another one, or of a function that uses parameters.
    """
    own = {id(x) for x in inputs if x.grad_fn is None}
    seen: set[Any] = set()
    todo = [result.grad_fn]
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None and id(variable) not in own:
            return result
        todo += [f for f, _ in node.next_functions]
    return result.detach() if result.grad_fn is not None or id(result) in own else result


def grad_and_value(func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of ``func``, which returns a scalar, and its value.

    Args:
        func: the function; with ``has_aux`` it returns the scalar and something else.
        argnums: by which arguments, each a tensor or a container of tensors.
        has_aux: whether there is something else to be returned: then the function returns gradient, (value, aux).

    Raises:
        RuntimeError: the value is not a scalar tensor, or there is no such argument.
    """

    @functools.wraps(func)
    def run(*args: Any, **kwargs: Any) -> Any:
        numbers = _chosen(argnums, args)
        with tallow.enable_grad():
            new, inputs = _replaced(args, numbers)
            out = func(*new, **kwargs)
            value, aux = out if has_aux else (out, None)
            if not isinstance(value, Tensor) or value.numel() != 1 or value.dim():
                got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
                raise RuntimeError(f"grad(f)(*args): Expected f(*args) to return a scalar tensor, got {got}")
            grads = iter(_gradients(value, inputs, None) if value.requires_grad else map(tallow.zeros_like, inputs))
        parts = [tree_map(lambda _: _finished(next(grads), inputs), new[n]) for n in numbers]
        result = parts[0] if isinstance(argnums, int) else tuple(parts)
        value = _finished(value, inputs)
        return (result, (value, aux)) if has_aux else (result, value)

    return run


def grad(func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of ``func``; see :func:`grad_and_value`.

    >>> import tallow
    >>> from tallow.func import grad
    >>> grad(grad(lambda x: x ** 3))(tallow.tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def run(*args: Any, **kwargs: Any) -> Any:
        result, value = both(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return run


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """``func(*primals)``, and a function from weights of its results to the weighted sums of derivatives.

    >>> import tallow
    >>> value, pull = tallow.func.vjp(lambda x: x * x, tallow.tensor([1.0, 2.0]))
    >>> pull(tallow.ones(2))
    (tensor([2., 4.]),)
    """
    with tallow.enable_grad():
        new, inputs = _replaced(primals, tuple(range(len(primals))))
        out = func(*new)
        value, aux = out if has_aux else (out, None)
    outputs, spec = tree_flatten(value)

    def pull(*weights: Any) -> Any:
        given = tree_leaves(weights[0] if len(weights) == 1 else weights)
        used = [(o, w) for o, w in zip(outputs, given, strict=True) if o.requires_grad]
        grads = iter(_gradients([o for o, _ in used], inputs, [w for _, w in used]))
        return tuple(tree_map(lambda _: _finished(next(grads), inputs), p) for p in new)

    value = tree_unflatten([_finished(o, inputs) for o in outputs], spec)
    return (value, pull, aux) if has_aux else (value, pull)


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """``func(*primals)``, and its derivative in the direction of the tangents, by differentiating backward twice.

    >>> import tallow
    >>> tallow.func.jvp(lambda x: x * x, (tallow.tensor(3.0),), (tallow.tensor(1.0),))
    (tensor(9.), tensor(6.))
    """
    nested = any(isinstance(x, Tensor) and x.requires_grad for x in tree_leaves((primals, tangents)))
    aux: list[Any] = []

    def value(*args: Any) -> Any:
        out = func(*args)
        if has_aux:
            aux[:] = out[1:]
        return out[0] if has_aux else out

    results = tallow.autograd.functional.jvp(value, primals, tangents, create_graph=nested, strict=strict)
    return (*results, *aux)


def jacrev(
    func: Function, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> Function:
    """A function that returns the derivative of each element of ``func``'s result, a tensor, by each of an argument's.

    Args:
        func: the function; with ``has_aux`` it returns the tensor and something else, which is returned as well.
        argnums: by which arguments.
        has_aux: whether there is something else.
        chunk_size: accepted as torch has it; elements are taken one by one.

    >>> import tallow
    >>> tallow.func.jacrev(lambda x: x * x)(tallow.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(func)
    def run(*args: Any) -> Any:
        numbers = _chosen(argnums, args)
        with tallow.enable_grad():
            new, inputs = _replaced(args, numbers)
            out, *aux = func(*new) if has_aux else (func(*new),)
            rows = [_gradients(o, inputs, None) for o in out.reshape(-1).unbind()] if out.requires_grad else []
        jacobians = []
        for i, x in enumerate(inputs):
            shape = (*out.shape, *x.shape)
            filled = tallow.stack([r[i] for r in rows]).reshape(shape) if rows else x.new_zeros(shape)
            jacobians.append(_finished(filled, inputs))
        it = iter(jacobians)
        parts = [tree_map(lambda _: next(it), new[n]) for n in numbers]
        result = parts[0] if isinstance(argnums, int) else tuple(parts)
        return (result, *aux) if has_aux else result

    return run


def jacfwd(
    func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Function:
    """What :func:`jacrev` returns."""
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Function, argnums: int = 0) -> Function:
    """A function that returns the second derivatives of a scalar function.

    >>> import tallow
    >>> tallow.func.hessian(lambda x: (x ** 3).sum())(tallow.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)
