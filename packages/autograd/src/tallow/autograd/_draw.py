"""The recorded graph as a picture (SVG) and as text, with a small layered layout of its own."""

from __future__ import annotations

import html
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tallow import Tensor

if TYPE_CHECKING:
    from tallow.autograd.graph import Node

_ROW, _GAP, _HEIGHT, _CHAR, _MARGIN = 56, 24, 30, 7, 16
_COLORS = {"output": "#d9f2d9", "leaf": "#dce9f7", "op": "#f4f4f4", "cut": "#ffffff"}


@dataclass
class _Item:
    label: str
    kind: str  # output, op, leaf, or cut where the drawing ends early
    detail: str = ""
    targets: list[int] = field(default_factory=list)
    row: int = 0
    x: float = 0.0

    @property
    def width(self) -> float:
        return max(len(self.label), len(self.detail)) * _CHAR + 20


def _collect(outputs: list[Tensor], names: dict[str, Tensor], limit: int) -> list[_Item]:
    """The nodes in the order of a walk from the outputs; edges by number."""
    from tallow.autograd import graph
    from tallow.autograd._engine import native

    by_leaf = {id(t): n for n, t in names.items()}
    items: list[_Item] = []
    numbers: dict[Any, int] = {}
    queue: deque[tuple[Node, int]] = deque()

    def add(node: Node) -> int:
        if node in numbers:
            return numbers[node]
        name = node.name()
        shape = list(native.node_input_shape(node._native, 0)) if native.node_num_inputs(node._native) else []
        if name == "AccumulateGrad":
            leaf = node.variable
            items.append(_Item(by_leaf.get(id(leaf), "leaf"), "leaf", f"{leaf.dtype} {shape}".replace("tallow.", "")))
        else:
            items.append(_Item(name, "op", str(shape)))
        numbers[node] = len(items) - 1
        queue.append((node, numbers[node]))
        return numbers[node]

    for i, t in enumerate(outputs):
        if not t.requires_grad:
            raise RuntimeError(f"draw: output {i} does not require grad, so there is no graph to draw")
        items.append(
            _Item(by_leaf.get(id(t), "output" if len(outputs) == 1 else f"output {i}"), "output", str(list(t.shape)))
        )
        number = len(items) - 1
        items[number].targets.append(add(graph.get_gradient_edge(t).node))
    while queue:
        node, number = queue.popleft()
        for target, _ in node.next_functions:
            if target is None:
                continue
            if target not in numbers and len(items) >= limit:
                items.append(_Item("...", "cut"))
                items[number].targets.append(len(items) - 1)
                continue
            items[number].targets.append(add(target))
    return items


def _layers(items: list[_Item]) -> list[list[int]]:
    """Every node below all that lead to it; within a row, near the middle of those."""
    waiting = [0] * len(items)
    for item in items:
        for t in item.targets:
            waiting[t] += 1
    ready = deque(i for i, n in enumerate(waiting) if n == 0)
    while ready:
        i = ready.popleft()
        for t in items[i].targets:
            items[t].row = max(items[t].row, items[i].row + 1)
            waiting[t] -= 1
            if waiting[t] == 0:
                ready.append(t)
    rows: list[list[int]] = [[] for _ in range(max(i.row for i in items) + 1)]
    for n, item in enumerate(items):
        rows[item.row].append(n)
    sources: list[list[int]] = [[] for _ in items]
    for n, item in enumerate(items):
        for t in item.targets:
            sources[t].append(n)
    for row in rows:
        wanted = {n: sum(items[s].x for s in sources[n]) / len(sources[n]) if sources[n] else 0.0 for n in row}
        row.sort(key=lambda n: wanted[n])
        right = float("-inf")
        for n in row:  # as close to the wish as its left neighbour allows
            half = items[n].width / 2
            items[n].x = max(wanted[n], right + _GAP + half) if right > float("-inf") else wanted[n]
            right = items[n].x + half
        shift = sum(items[n].x - wanted[n] for n in row) / len(row)
        for n in row:
            items[n].x -= shift
    left = min(i.x - i.width / 2 for i in items)
    for item in items:
        item.x += _MARGIN - left
    return rows


def _svg(items: list[_Item]) -> str:
    rows = _layers(items)
    width = max(i.x + i.width / 2 for i in items) + _MARGIN
    height = len(rows) * _ROW + _MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="sans-serif" font-size="11">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#666"/></marker></defs>',
    ]
    for item in items:
        y = item.row * _ROW + _MARGIN + _HEIGHT
        for t in item.targets:
            to = items[t]
            end = to.row * _ROW + _MARGIN
            middle = (y + end) / 2
            out.append(
                f'<path d="M{item.x:.1f},{y} C{item.x:.1f},{middle:.1f} {to.x:.1f},{middle:.1f} {to.x:.1f},{end}" '
                'fill="none" stroke="#999" marker-end="url(#arrow)"/>'
            )
    for item in items:
        y = item.row * _ROW + _MARGIN
        radius = 12 if item.kind == "leaf" else 4
        out.append(
            f'<rect x="{item.x - item.width / 2:.1f}" y="{y}" width="{item.width:.1f}" '
            f'height="{_HEIGHT}" rx="{radius}" '
            f'fill="{_COLORS[item.kind]}" stroke="#888"/>'
        )
        line = y + (13 if item.detail else 19)
        out.append(f'<text x="{item.x:.1f}" y="{line}" text-anchor="middle">{html.escape(item.label)}</text>')
        if item.detail:
            out.append(
                f'<text x="{item.x:.1f}" y="{y + 25}" text-anchor="middle" font-size="9" '
                f'fill="#666">{html.escape(item.detail)}</text>'
            )
    out.append("</svg>")
    return "\n".join(out)


def _text(items: list[_Item]) -> str:
    """An indented list; a node that was shown before is only named again."""
    number = {n: i for i, n in enumerate(n for n, item in enumerate(items) if item.kind == "op")}
    lines: list[str] = []
    shown: set[int] = set()
    stack = [(n, 0) for n, item in reversed(list(enumerate(items))) if item.kind == "output"]
    while stack:
        n, depth = stack.pop()
        item = items[n]
        text = (
            "  " * depth
            + item.label
            + (f" #{number[n]}" if n in number else "")
            + (f" {item.detail}" if item.detail else "")
        )
        if n in shown and item.kind == "op":
            lines.append(text + " (see above)")
            continue
        shown.add(n)
        lines.append(text)
        stack.extend((t, depth + 1) for t in reversed(item.targets))
    return "\n".join(lines)


class Drawing(str):
    """The SVG text of a graph; notebooks show it as a picture, ``text`` has it as an indented list."""

    text: str

    def _repr_svg_(self) -> str:
        return str(self)

    def html(self) -> str:
        """A page of its own that shows the picture."""
        return f'<!doctype html><html><head><meta charset="utf-8"><title>graph</title></head><body>{self}</body></html>'


def _draw(outputs: Any, names: dict[str, Tensor] | None, max_nodes: int) -> list[_Item]:
    values = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    if not values:
        raise ValueError("draw: no output was given")
    return _collect(values, names or {}, max_nodes)


def draw(outputs: Any, names: dict[str, Tensor] | None = None, *, max_nodes: int = 500) -> Drawing:
    """The graph that computed ``outputs`` as a picture: an SVG string with the text form in its attribute ``text``.

    Args:
        outputs: a tensor, or several.
        names: labels for leaves and outputs, for instance ``dict(model.named_parameters())``.
        max_nodes: where to stop.

    >>> import tallow
    >>> x = tallow.ones(2, requires_grad=True)
    >>> print(tallow.autograd.graph.draw(x * 2, {"x": x}).text)
    output [2]
      MulBackward0 #0 [2]
        x float32 [2]
    """
    items = _draw(outputs, names, max_nodes)
    drawing = Drawing(_svg(items))
    drawing.text = _text(items)
    return drawing


def draw_text(outputs: Any, names: dict[str, Tensor] | None = None, *, max_nodes: int = 500) -> str:
    """The graph that computed ``outputs`` as an indented list."""
    return _text(_draw(outputs, names, max_nodes))
