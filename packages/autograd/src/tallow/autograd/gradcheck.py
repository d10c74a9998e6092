"""Checks of gradients against finite differences.

Complex tensors are taken as pairs of real numbers: a gradient ``a + bj`` says how a real function changes with the real
and with the imaginary part, which is the convention of every gradient here.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tallow
from tallow import Tensor

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A gradient is not what finite differences say."""


def _as_tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def _differentiable(x: Any) -> bool:
    return isinstance(x, Tensor) and (x.is_floating_point() or x.is_complex())


def _checked(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def _outputs(value: Any) -> list[Tensor]:
    return [o for o in _as_tuple(value) if _differentiable(o)]


def _reals(t: Tensor) -> list[float]:
    """The elements as real numbers, complex ones as two."""
    values = t.detach().to_dense().reshape(-1).tolist()
    if not t.is_complex():
        return values
    return [part for v in values for part in (v.real, v.imag)]


def _real_count(t: Tensor) -> int:
    return t.numel() * (2 if t.is_complex() else 1)


def _unit(like: Tensor, index: int) -> Tensor:
    """Zeros with one real component set to 1 (for imaginary parts 1j)."""
    n = like.numel()
    if like.is_complex():
        values: list[Any] = [0j] * n
        values[index // 2] = 1j if index % 2 else 1 + 0j
    else:
        values = [0.0] * n
        values[index] = 1.0
    return tallow.tensor(values, dtype=like.dtype, device=like.device).reshape(like.shape)


def _evaluate(func: Callable[..., Any], inputs: Sequence[Any]) -> list[Tensor]:
    with tallow.no_grad():
        return [o.detach().clone() for o in _outputs(func(*inputs))]


def _moved(inputs: Sequence[Any], which: int, step: Tensor) -> list[Any]:
    moved = list(inputs)
    with tallow.no_grad():
        moved[which] = inputs[which].detach().clone() + step
    return moved


def _numerical_column(func: Any, inputs: Sequence[Any], which: int, step: Tensor, eps: float) -> list[list[float]]:
    """How every output changes along ``step``: central differences."""
    up = _evaluate(func, _moved(inputs, which, step * eps))
    down = _evaluate(func, _moved(inputs, which, step * -eps))
    return [
        [(a - b) / (2 * eps) for a, b in zip(_reals(u), _reals(d), strict=True)] for u, d in zip(up, down, strict=True)
    ]


def _analytical_row(output: Tensor, inputs: list[Tensor], gradient: Tensor) -> list[list[float]]:
    grads = tallow.autograd.grad(output, inputs, gradient, retain_graph=True, allow_unused=True)
    rows = []
    for g, x in zip(grads, inputs, strict=True):
        if g is not None and g.shape != x.shape:
            raise GradcheckError(
                f"Analytical gradient has incorrect size: got {tuple(g.shape)} for an input of {tuple(x.shape)}"
            )
        rows.append([0.0] * _real_count(x) if g is None else _reals(g))
    return rows


def _close(a: float, b: float, rtol: float, atol: float) -> bool:
    return a == b or (a != a and b != b) or abs(a - b) <= atol + rtol * abs(b)


def _matrix(rows: list[list[float]]) -> str:
    return "[" + ",\n ".join("[" + ", ".join(f"{v: .6g}" for v in r) + "]" for r in rows) + "]"


def _slow_check(
    func: Any, args: Sequence[Any], outputs: list[Tensor], eps: float, rtol: float, atol: float, nondet: float
) -> None:
    positions = [i for i, a in enumerate(args) if _checked(a)]
    inputs = [args[i] for i in positions]
    analytical = []
    for out in outputs:
        n = _real_count(out)
        if out.requires_grad:
            rows = [_analytical_row(out, inputs, _unit(out, j)) for j in range(n)]
            again = [_analytical_row(out, inputs, _unit(out, j)) for j in range(n)]
            for r, s in zip(rows, again, strict=True):
                if any(abs(x - y) > nondet for p, q in zip(r, s, strict=True) for x, y in zip(p, q, strict=True)):
                    raise GradcheckError(
                        "Backward is not reentrant, i.e., running backward with same input and "
                        "grad_output multiple times gives "
                        "different values, although analytical gradient matches numerical gradient. "
                        f"The tolerance for nondeterminism was {nondet}."
                    )
        else:
            rows = [[[0.0] * _real_count(x) for x in inputs] for _ in range(n)]
        analytical.append(rows)
    for k, (position, x) in enumerate(zip(positions, inputs, strict=True)):
        columns = [_numerical_column(func, args, position, _unit(x, i), eps) for i in range(_real_count(x))]
        for o in range(len(outputs)):
            numerical = [c[o] for c in columns]
            found = [[analytical[o][j][k][i] for j in range(_real_count(outputs[o]))] for i in range(_real_count(x))]
            for n_row, a_row in zip(numerical, found, strict=True):
                if not all(_close(a, b, rtol, atol) for a, b in zip(a_row, n_row, strict=True)):
                    raise GradcheckError(
                        f"Jacobian mismatch for output {o} with respect to input {position},\n"
                        f"numerical:{_matrix(numerical)}\nanalytical:{_matrix(found)}\n"
                    )


def _fast_check(func: Any, args: Sequence[Any], outputs: list[Tensor], eps: float, rtol: float, atol: float) -> None:
    """One random direction in and one out, instead of whole Jacobians."""
    rng = random.Random(0)

    def direction(like: Tensor) -> Tensor:
        values = [rng.uniform(0.1, 1.0) * rng.choice((-1, 1)) for _ in range(_real_count(like))]
        data: list[Any] = (
            [complex(a, b) for a, b in zip(values[::2], values[1::2], strict=True)] if like.is_complex() else values
        )
        return tallow.tensor(data, dtype=like.dtype, device=like.device).reshape(like.shape)

    positions = [i for i, a in enumerate(args) if _checked(a)]
    inputs = [args[i] for i in positions]
    for k, (position, x) in enumerate(zip(positions, inputs, strict=True)):
        u = direction(x)
        columns = _numerical_column(func, args, position, u, eps)
        for o, out in enumerate(outputs):
            v = direction(out)
            numerical = sum(a * b for a, b in zip(columns[o], _reals(v), strict=True))
            row = _analytical_row(out, inputs, v)[k] if out.requires_grad else [0.0] * _real_count(x)
            found = sum(a * b for a, b in zip(row, _reals(u), strict=True))
            scale = max(1.0, float(_real_count(x) + _real_count(out)))
            if not _close(found, numerical, rtol, atol * scale):
                raise GradcheckError(
                    f"Jacobian mismatch for output {o} with respect to input {position} along a random direction,\n"
                    f"numerical:{numerical}\nanalytical:{found}\n"
                )


def _check_zero_gradients(outputs: list[Tensor], inputs: list[Tensor]) -> None:
    for out in outputs:
        if not out.requires_grad:
            continue
        for g in tallow.autograd.grad(out, inputs, tallow.zeros_like(out), retain_graph=True, allow_unused=True):
            if g is not None and any(v != 0 for v in _reals(g)):
                raise GradcheckError("backward not multiplied by grad_output")


def _check_dtypes(outputs: list[Tensor], inputs: list[Tensor]) -> None:
    for out in outputs:
        if not out.requires_grad:
            continue
        grads = tallow.autograd.grad(out, inputs, tallow.ones_like(out), retain_graph=True, allow_unused=True)
        for g, x in zip(grads, inputs, strict=True):
            if g is not None and g.dtype != x.dtype:
                raise GradcheckError(f"grad is of dtype {g.dtype}, its input of {x.dtype}")


def _warn_of_precision(inputs: Iterable[Any]) -> None:
    for i, x in enumerate(inputs):
        if _checked(x) and x.dtype not in (tallow.float64, tallow.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or "
                "complex. This check will likely "
                "fail if all the inputs are not of double precision floating point or complex.",
                stacklevel=4,
            )


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compares the gradients of ``func`` with central differences, for the inputs that require grad.

    Use float64 or complex128 inputs. ``fast_mode`` compares one random direction instead of whole Jacobians. Raises
    ``GradcheckError`` (or returns False) where they differ. Forward-mode and batched checks are not available.

    >>> import tallow
    >>> x = tallow.tensor([0.5, 1.5], dtype=tallow.float64, requires_grad=True)
    >>> tallow.autograd.gradcheck(lambda t: t * t, x)
    True
    """
    if check_forward_ad or check_batched_forward_grad or check_batched_grad:
        raise NotImplementedError("gradcheck: forward-mode and batched gradients cannot be checked")
    args = _as_tuple(inputs)
    if not any(_checked(a) for a in args):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them "
            "have requires_grad=True."
        )
    _warn_of_precision(args)
    try:
        outputs = _outputs(func(*args))
        if not check_backward_ad:
            return True
        if fast_mode:
            _fast_check(func, args, outputs, eps, rtol, atol)
        else:
            _slow_check(func, args, outputs, eps, rtol, atol, nondet_tol)
        leaves = [a for a in args if _checked(a)]
        if check_undefined_grad:
            _check_zero_gradients(outputs, leaves)
        if check_grad_dtypes:
            _check_dtypes(outputs, leaves)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """``gradcheck`` of the gradients of ``func``, as functions of inputs and ``grad_outputs`` (random if left out)."""
    if check_fwd_over_rev:
        raise NotImplementedError("gradgradcheck: forward-mode gradients cannot be checked")
    args = _as_tuple(inputs)
    outputs = _outputs(func(*args))
    if grad_outputs is None:
        rng = random.Random(1)
        made = []
        for o in outputs:
            n = o.numel()
            values: list[Any] = [rng.uniform(0.5, 1.5) * rng.choice((-1, 1)) for _ in range(n)]
            if o.is_complex():
                values = [complex(v, rng.uniform(0.5, 1.5)) for v in values]
            g = tallow.tensor(values, dtype=o.dtype, device=o.device).reshape(o.shape)
            if gen_non_contig_grad_outputs and o.ndim:
                g = tallow.stack([g, g], -1).select(-1, 0)
            made.append(g.detach().requires_grad_())
        gradients = tuple(made)
    else:
        gradients = _as_tuple(grad_outputs)
    count = len(gradients)

    def gradient(*values: Any) -> tuple[Tensor, ...]:
        xs = values[:-count] if count else values
        gs = values[-count:] if count else ()
        xs = tuple(
            x.detach().requires_grad_() if _differentiable(a) and _checked(a) and not _checked(x) else x
            for a, x in zip(args, xs, strict=True)
        )
        with tallow.enable_grad():
            outs = _outputs(func(*xs))
            wanted = [x for x in xs if _checked(x)]
            pairs = [(o, g) for o, g in zip(outs, gs, strict=True) if o.requires_grad]
            if not pairs:
                return ()
            found = tallow.autograd.grad(
                [p[0] for p in pairs], wanted, [p[1] for p in pairs], create_graph=True, allow_unused=True
            )
        return tuple(g.to_dense() for g in found if g is not None)

    return gradcheck(
        gradient,
        args + gradients,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        fast_mode=fast_mode,
        masked=masked,
    )
