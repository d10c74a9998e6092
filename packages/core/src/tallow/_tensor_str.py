"""What ``repr(tensor)`` says. The rules of number formatting are torch's, so printed results compare as text.

Works on Python numbers from ``tolist()``; a large tensor is sliced first, so only what is shown is ever read.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any


class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PRINT_OPTS = _Options()

_NAMES = ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")
_PROFILES: dict[str, tuple[int, float, int, int]] = {
    "default": (4, 1000, 3, 80),
    "short": (2, 1000, 2, 80),
    "full": (4, math.inf, 3, 80),
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed. What is not given stays, except ``sci_mode``, which goes back to automatic.

    Args:
        precision: digits after the point of floating-point numbers (4).
        threshold: a tensor with more elements than this is summarised (1000).
        edgeitems: how many elements a summary shows at each end of each dimension (3).
        linewidth: characters per line (80).
        profile: ``"default"``, ``"short"`` or ``"full"``: sets the four above first.
        sci_mode: scientific notation always (True), never (False) or where the numbers need it (None).

    Example:
        >>> import tallow
        >>> tallow.set_printoptions(precision=2)
        >>> tallow.tensor([1.12345])
        tensor([1.12])
        >>> tallow.set_printoptions(profile="default")
        >>> tallow.tensor([1.12345])
        tensor([1.1235])
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"set_printoptions: profile must be one of {sorted(_PROFILES)}, got {profile!r}")
        for name, value in zip(_NAMES, _PROFILES[profile], strict=False):
            setattr(PRINT_OPTS, name, value)
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, number in given.items():
        if number is not None:
            setattr(PRINT_OPTS, name, number)
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options in force, as keyword arguments for ``set_printoptions``."""
    return {name: getattr(PRINT_OPTS, name) for name in _NAMES}


@contextlib.contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Set options for the duration of a ``with`` block."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


# ---- numbers ------------------------------------------------------------------------------------------------------


class _Plain:
    """Integers and bools: all as wide as the widest."""

    def __init__(self, values: list[Any]) -> None:
        self.width = max((len(str(value)) for value in values), default=1)

    def format(self, value: Any) -> str:
        return str(value).rjust(self.width)


class _Float:
    """Floats share one notation: whole numbers as ``1.``, a fixed number of digits, or scientific."""

    def __init__(self, values: list[float]) -> None:
        magnitudes = [abs(value) for value in values if value and math.isfinite(value)]
        self.whole = all(not math.isfinite(value) or value == math.floor(value) for value in values)
        self.scientific = False
        self.width = 1
        if magnitudes:
            low, high = min(magnitudes), max(magnitudes)
            self.scientific = high / low > 1000 or high > 1e8 or (not self.whole and low < 1e-4)
            if PRINT_OPTS.sci_mode is not None:
                self.scientific = PRINT_OPTS.sci_mode
            # Zeros, infinities and NaN do not widen the column.
            self.width = max(len(self._digits(value)) for value in values if value and math.isfinite(value))

    def _digits(self, value: float) -> str:
        if self.scientific:
            return f"{value:.{PRINT_OPTS.precision}e}"
        if self.whole:
            return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"
        return f"{value:.{PRINT_OPTS.precision}f}"

    def format(self, value: float) -> str:
        return self._digits(value).rjust(self.width)


class _Complex:
    """Real and imaginary parts, each in its own notation."""

    def __init__(self, values: list[complex]) -> None:
        self._real = _Float([value.real for value in values])
        self._imag = _Float([value.imag for value in values])
        self.width = self._real.width + self._imag.width + 1

    def format(self, value: complex) -> str:
        imag = self._imag.format(value.imag).lstrip()
        sign = "" if imag.startswith("-") else "+"
        return f"{self._real.format(value.real)}{sign}{imag}j"


# ---- layout -------------------------------------------------------------------------------------------------------


def _shown(tensor: Any, summarise: bool) -> Any:
    """The elements to show as nested lists; of a long dimension of a summary, only the two ends."""
    if not summarise or tensor.dim() == 0:
        return tensor.tolist()
    size, edge = tensor.shape[0], PRINT_OPTS.edgeitems
    cut = size > 2 * edge
    if tensor.dim() == 1:
        return tensor[:edge].tolist() + tensor[size - edge :].tolist() if cut else tensor.tolist()
    rows = [*range(edge), *range(size - edge, size)] if cut else range(size)
    return [_shown(tensor[row], summarise) for row in rows]


def _flatten(nested: Any, out: list[Any]) -> list[Any]:
    if isinstance(nested, list):
        for item in nested:
            _flatten(item, out)
    else:
        out.append(nested)
    return out


def _layout(nested: Any, shape: tuple[int, ...], summarise: bool, style: Any, indent: int) -> str:
    if not shape:
        return style.format(nested)
    cut = summarise and shape[0] > 2 * PRINT_OPTS.edgeitems
    edge = PRINT_OPTS.edgeitems
    newline = " " * (indent + 1)
    if len(shape) == 1:
        cells = [style.format(value) for value in nested]
        if cut:
            cells.insert(edge, " ...")
        per_line = max(1, (PRINT_OPTS.linewidth - indent) // (style.width + 2))
        lines = [", ".join(cells[at : at + per_line]) for at in range(0, len(cells), per_line)]
        return "[" + (",\n" + newline).join(lines) + "]"
    rows = [_layout(item, shape[1:], summarise, style, indent + 1) for item in nested]
    if cut:
        rows.insert(edge, "...")
    return "[" + ("," + "\n" * (len(shape) - 1) + newline).join(rows) + "]"


def _contents(tensor: Any, indent: int) -> str:
    summarise = tensor.numel() > PRINT_OPTS.threshold
    nested = _shown(tensor, summarise)
    values = _flatten(nested, [])
    style: Any
    if tensor.dtype.is_complex:
        style = _Complex(values)
    elif tensor.dtype.is_floating_point:
        style = _Float(values)
    else:
        style = _Plain(values)
    return _layout(nested, tuple(tensor.shape), summarise, style, indent)


def _sparse_contents(tensor: Any, indent: int) -> str:
    """``indices=tensor(...), values=tensor(...)``, each part's lines below its own brackets."""
    texts = []
    for name, part in (("indices", tensor._indices()), ("values", tensor._values())):
        opening = f"{name}=tensor("
        text = _contents(part, indent + len(opening)) if part.numel() else f"[], size={tuple(part.shape)}"
        texts.append(f"{opening}{text})")
    return (",\n" + " " * indent).join(texts)


def _with_suffixes(text: str, suffixes: list[str], indent: int, new_line: bool = False) -> str:
    """Append ``, name=value`` parts, each on a new line where it would not fit; the first always, if `new_line`."""
    parts = [text]
    length = PRINT_OPTS.linewidth if new_line else len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if length + len(suffix) + 2 > PRINT_OPTS.linewidth:
            parts.append(",\n" + " " * indent + suffix)
            length = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            length += len(suffix) + 2
    return "".join(parts) + ")"


def _default_dtypes() -> tuple[Any, ...]:
    """The dtypes that a printed number shows by itself: they go without saying."""
    import tallow

    default = tallow.get_default_dtype()
    pair = {tallow.float64: tallow.complex128, tallow.float32: tallow.complex64}
    return (default, pair.get(default), tallow.int64, tallow.bool)


def _str(tensor: Any, *, tensor_contents: str | None = None) -> str:
    """``repr(tensor)``. ``tensor_contents`` replaces the numbers, for subclasses that print themselves otherwise."""
    import tallow

    prefix = "tensor("
    indent = len(prefix)
    data = tensor.detach()
    device = tensor.device
    size = f"size={tuple(tensor.shape)}"
    suffixes = [f"device='{device}'"] if device.type != "cpu" else []
    if tensor.is_sparse:
        suffixes += [size, f"nnz={tensor._nnz()}"]
        show_dtype = tensor.dtype not in _default_dtypes()
        text = tensor_contents or _sparse_contents(data, indent)
    elif device.type == "meta":
        suffixes.append(size)
        show_dtype = tensor.dtype != tallow.get_default_dtype()
        text = tensor_contents or "..."
    elif tensor.numel() == 0:
        if tensor.dim() != 1:
            suffixes.append(size)
        show_dtype = tensor.dtype != tallow.get_default_dtype()
        text = tensor_contents or "[]"
    else:
        show_dtype = tensor.dtype not in _default_dtypes()
        text = tensor_contents or _contents(data, indent)
    if show_dtype:
        suffixes.append(f"dtype={tensor.dtype}")
    if tensor.is_sparse:
        suffixes.append(f"layout={tensor.layout}")
    grad_fn = tensor.grad_fn if tensor.requires_grad else None
    if grad_fn is not None:
        suffixes.append(f"grad_fn=<{type(grad_fn).__name__}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return _with_suffixes(prefix + text, suffixes, indent, tensor.is_sparse)
