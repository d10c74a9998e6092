"""Automatic differentiation: gradients of what was computed with tensors that require them.

>>> import tallow
>>> x = tallow.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> y = (x * x).sum()
>>> y.backward()
>>> x.grad
tensor([2., 4., 6.])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tallow
from tallow import Tensor
from tallow.autograd import _tensor, anomaly_mode, functional, grad_mode, graph
from tallow.autograd._engine import native
from tallow.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly
from tallow.autograd.function import Function
from tallow.autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from tallow.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from tallow.autograd.variable import Variable

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]

_tensor.install()


def _tensors(value: Any, what: str) -> tuple[Tensor, ...]:
    values = (value,) if isinstance(value, Tensor) else tuple(value)
    for v in values:
        if not isinstance(v, Tensor):
            raise TypeError(f"{what} can be either Tensors or sequences of Tensors, but got {type(v).__name__}")
    return values


def _gradients(value: Any, count: int) -> tuple[Tensor | None, ...]:
    values = (None,) * count if value is None else (value,) if isinstance(value, Tensor) else tuple(value)
    for v in values:
        if v is not None and not isinstance(v, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(v).__name__}")
    return values


def _run(op: Any, *args: Any) -> Any:
    return anomaly_mode._explained(op, *args) if anomaly_mode._enabled else op(*args)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Computes the gradients of the sum of ``tensors`` and adds them to the ``.grad`` of the leaves.

    Args:
        tensors: what to differentiate.
        grad_tensors: a gradient for each of them; ``None`` stands for 1 where a tensor has one element.
        retain_graph: keep what the graph has saved; defaults to ``create_graph``.
        create_graph: record the computation of the gradients.
        inputs: accumulate only into these tensors.
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. "
                "Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    roots = _tensors(tensors, "tensors")
    wanted = None if inputs is None else _tensors(inputs, "inputs")
    if wanted is not None and not wanted:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    _run(native.backward, roots, _gradients(grad_tensors, len(roots)), retain_graph, create_graph, wanted)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the sum of ``outputs`` with respect to ``inputs``; no ``.grad`` is touched.

    Args:
        outputs: what to differentiate.
        inputs: with respect to what.
        grad_outputs: a gradient for each output; ``None`` stands for 1 where an output has one element.
        retain_graph: keep what the graph has saved; defaults to ``create_graph``.
        create_graph: record the computation of the gradients.
        allow_unused: give ``None`` for an input that no output depends on, instead of an error.
        is_grads_batched: every gradient in ``grad_outputs`` has a leading dimension; so have the results.
        materialize_grads: give zeros instead of ``None``.

    >>> import tallow
    >>> x = tallow.tensor(3.0, requires_grad=True)
    >>> tallow.autograd.grad(x**3, x)
    (tensor(27.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if not only_inputs:
        raise ValueError("only_inputs=False is not supported: gradients of other leaves are what backward() is for")
    unused = materialize_grads if allow_unused is None else allow_unused
    roots, leaves = _tensors(outputs, "outputs"), _tensors(inputs, "inputs")
    given = _gradients(grad_outputs, len(roots))
    keep = create_graph if retain_graph is None else retain_graph
    if not is_grads_batched:
        return _run(native.grad, roots, leaves, given, keep, create_graph, unused, materialize_grads)
    if any(g is None or g.ndim == 0 for g in given):
        raise ValueError("is_grads_batched=True needs a grad_outputs with a leading dimension for every output")
    sizes = {g.shape[0] for g in given if g is not None}
    if len(sizes) != 1:
        raise ValueError(f"is_grads_batched=True: the leading dimensions of grad_outputs differ: {sorted(sizes)}")
    count = sizes.pop()
    rows = [
        _run(
            native.grad,
            roots,
            leaves,
            tuple(g[i] for g in given if g is not None),
            keep or i + 1 < count,
            create_graph,
            unused,
            materialize_grads,
        )
        for i in range(count)
    ]
    return tuple(None if column[0] is None else tallow.stack(column) for column in zip(*rows, strict=True))
