"""A line search for the strong Wolfe conditions (Nocedal and Wright, "Numerical optimization", algorithms 3.5, 3.6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from tallow import Tensor

__all__ = ["strong_wolfe"]


class _Point(NamedTuple):
    step: float
    loss: float
    grad: Tensor
    slope: float  # of the loss along the direction


def strong_wolfe(
    evaluate: Callable[[float], tuple[float, Tensor]],
    step: float,
    direction: Tensor,
    loss: float,
    grad: Tensor,
    slope: float,
    decrease: float = 1e-4,
    curvature: float = 0.9,
    tolerance_change: float = 1e-9,
    max_evaluations: int = 25,
) -> tuple[float, Tensor, float, int]:
    """A step along `direction` with a loss that is low enough and a slope that is flat enough.

    Args:
        evaluate: loss and gradient at a step.
        step: the first step to try.
        loss, grad, slope: at step 0.
        decrease, curvature: constants of the two conditions.
        tolerance_change: give up when the interval is shorter.
        max_evaluations: how many steps may be tried after the first.

    Returns:
        (loss, gradient, step, number of evaluations) of the best step.
    """
    norm = direction.abs().max().item()
    origin = _Point(0.0, loss, grad, slope)

    def at(where: float) -> _Point:
        value, gradient = evaluate(where)
        return _Point(where, value, gradient, gradient.dot(direction).item())

    def too_high(point: _Point) -> bool:
        return point.loss > loss + decrease * point.step * slope

    # Widen the interval until it holds an acceptable step.
    before, point, tried = origin, at(step), 0
    ends: tuple[_Point, ...] = ()
    while tried < max_evaluations:
        if too_high(point) or (tried > 1 and point.loss >= before.loss):
            ends = (before, point)
            break
        if abs(point.slope) <= -curvature * slope:
            return point.loss, point.grad, point.step, tried + 1
        if point.slope >= 0:
            ends = (before, point)
            break
        bounds = (point.step + 0.01 * (point.step - before.step), point.step * 10)
        before, point = point, at(_cubic_minimum(before, point, bounds))
        tried += 1
    if not ends:
        ends = (origin, point)

    # Narrow it.
    low, high = ends if ends[0].loss <= ends[-1].loss else ends[::-1]
    stalled = False
    while tried < max_evaluations and abs(high.step - low.step) * norm >= tolerance_change:
        least, most = sorted((low.step, high.step))
        where, stalled = _away_from_ends(_cubic_minimum(low, high, (least, most)), least, most, stalled)
        point = at(where)
        tried += 1
        if too_high(point) or point.loss >= low.loss:
            high = point
            if high.loss < low.loss:
                low, high = high, low
            continue
        if abs(point.slope) <= -curvature * slope:
            low = point
            break
        if point.slope * (high.step - low.step) >= 0:
            high = low
        low = point
    return low.loss, low.grad, low.step, tried + 1


def _away_from_ends(where: float, least: float, most: float, stalled: bool) -> tuple[float, bool]:
    """A step a tenth of the interval away from its ends, if it was near them twice in a row or lies on one."""
    margin = 0.1 * (most - least)
    if min(most - where, where - least) >= margin:
        return where, False
    if stalled or where >= most or where <= least:
        return (most - margin if abs(where - most) < abs(where - least) else least + margin), False
    return where, True


def _cubic_minimum(a: _Point, b: _Point, bounds: tuple[float, float]) -> float:
    """Where the cubic with the losses and slopes of two points is smallest, within bounds."""
    least, most = bounds
    if a.step > b.step:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.step - b.step)
    square = d1 * d1 - a.slope * b.slope
    if square < 0:
        return (least + most) / 2.0
    d2 = math.sqrt(square)
    divisor = b.slope - a.slope + 2 * d2
    if divisor == 0:
        return (least + most) / 2.0
    where = b.step - (b.step - a.step) * ((b.slope + d2 - d1) / divisor)
    return min(max(where, least), most)
