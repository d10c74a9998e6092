"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tallow
from tallow import Tensor

from ._line_search import strong_wolfe
from ._options import check_lr
from .optimizer import Optimizer

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """L-BFGS (Liu and Nocedal, 1989): a quasi-Newton method that remembers the last `history_size` steps.

    Each call of :meth:`step` makes up to `max_iter` iterations and calls the closure for each. All parameters are one
    vector to it: there is one group only, and the state is kept with the first parameter.

    Args:
        params: tensors, or (name, tensor) pairs.
        lr: the length of a step along the direction found, or where the line search begins. Default: 1.
        max_iter: iterations in a step. Default: 20.
        max_eval: calls of the closure in a step. Default: 1.25 times `max_iter`.
        tolerance_grad: stop when no element of the gradient is larger. Default: 1e-7.
        tolerance_change: stop when the loss, or every parameter, changes by less. Default: 1e-9.
        history_size: as above. Default: 100.
        line_search_fn: "strong_wolfe", or None for none.

    Raises:
        ValueError: for a negative rate, or several groups.
        RuntimeError: in a step, for another line search.

    >>> w = tallow.zeros(2)
    >>> def closure():
    ...     w.grad = 2 * (w - tallow.tensor([1.0, 2.0]))
    ...     return ((w - tallow.tensor([1.0, 2.0])) ** 2).sum()
    >>> loss = LBFGS([w], line_search_fn="strong_wolfe").step(closure)
    >>> loss.item(), [round(x, 4) for x in w.tolist()]
    (5.0, [1.0, 2.0])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params: list[Tensor] = self.param_groups[0]["params"]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_params": self._params}

    # -- all parameters as one vector -------------------------------------------------------------------------

    def _parts(self) -> list[Tensor]:
        return [tallow.view_as_real(p) if p.is_complex() else p for p in self._params]

    def _flat_grad(self) -> Tensor:
        flat = []
        for param in self._params:
            grad = tallow.zeros_like(param) if param.grad is None else param.grad
            grad = grad.to_dense() if grad.is_sparse else grad
            flat.append((tallow.view_as_real(grad) if grad.is_complex() else grad).reshape(-1))
        return tallow.cat(flat)

    def _move(self, length: Any, direction: Tensor) -> None:
        offset = 0
        for part in self._parts():
            part.add_(direction[offset : offset + part.numel()].view(part.shape), alpha=float(length))
            offset += part.numel()

    # -- stepping ---------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Iterate; `closure` clears the gradients, computes the loss and its gradients, and returns the loss.

        Returns the loss before the first iteration.
        """
        with tallow.no_grad():
            return self._iterate(lambda: self._evaluate(closure))

    def _iterate(self, evaluate: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = evaluate()
        loss, evaluations = float(first_loss), 1
        state["func_evals"] += 1
        grad = self._flat_grad()
        if _largest(grad) <= group["tolerance_grad"]:
            return first_loss
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            direction = _direction(state, grad, group["history_size"])
            state["d"], state["prev_flat_grad"], loss_before = direction, grad.clone(), loss
            length: Any = float(group["lr"])
            if state["n_iter"] == 1:
                length *= min(1.0, 1.0 / grad.abs().sum().item())
            state["t"], state["prev_loss"] = length, loss
            slope = grad.dot(direction).item()
            if slope > -group["tolerance_change"]:
                break
            last = iteration == group["max_iter"]
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                left = group["max_eval"] - evaluations
                loss, grad, length, calls = self._search(evaluate, length, direction, loss, grad, slope, left)
                self._move(length, direction)
                state["t"] = length
            else:
                self._move(length, direction)
                calls = 0
                if not last:  # the last point is evaluated by the next step, whose data may be other
                    loss, calls = float(evaluate()), 1
                    grad = self._flat_grad()
            evaluations += calls
            state["func_evals"] += calls
            if (
                last
                or evaluations >= group["max_eval"]
                or _largest(grad) <= group["tolerance_grad"]
                or _largest(direction) * abs(float(length)) <= group["tolerance_change"]
                or abs(loss - loss_before) < group["tolerance_change"]
            ):
                break
        return first_loss

    def _search(
        self,
        evaluate: Callable[[], Any],
        length: float,
        direction: Tensor,
        loss: float,
        grad: Tensor,
        slope: float,
        most: int,
    ) -> tuple[float, Tensor, float, int]:
        start = [p.clone() for p in self._params]

        def at(step: float) -> tuple[float, Tensor]:
            self._move(step, direction)
            value, gradient = float(evaluate()), self._flat_grad()
            for param, before in zip(self._params, start, strict=True):
                param.copy_(before)
            return value, gradient

        change = self.param_groups[0]["tolerance_change"]
        return strong_wolfe(at, length, direction, loss, grad, slope, tolerance_change=change, max_evaluations=most)


def _largest(vector: Tensor) -> float:
    return vector.abs().max().item()


def _direction(state: dict[str, Any], grad: Tensor, history_size: int) -> Tensor:
    """Minus the approximate inverse Hessian times the gradient, by the two-loop recursion."""
    if state["n_iter"] == 1:
        state["old_dirs"], state["old_stps"], state["ro"], state["H_diag"] = [], [], [], 1
        return -grad
    change, step = grad - state["prev_flat_grad"], state["d"] * float(state["t"])
    changes, steps, inverses = state["old_dirs"], state["old_stps"], state["ro"]
    product = change.dot(step).item()
    if product > 1e-10:  # else the curvature is not positive: keep what is remembered
        if len(changes) == history_size:
            del changes[0], steps[0], inverses[0]
        changes.append(change)
        steps.append(step)
        inverses.append(1.0 / product)
        state["H_diag"] = product / change.dot(change).item()
    weights = state.setdefault("al", [None] * history_size)
    direction = -grad
    for i in range(len(changes) - 1, -1, -1):
        weights[i] = steps[i].dot(direction).item() * float(inverses[i])
        direction.add_(changes[i], alpha=-weights[i])
    direction.mul_(float(state["H_diag"]))
    for i in range(len(changes)):
        direction.add_(steps[i], alpha=weights[i] - changes[i].dot(direction).item() * float(inverses[i]))
    return direction
