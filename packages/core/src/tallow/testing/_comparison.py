"""``assert_close``: pair up two structures, then compare pair by pair. Tolerances and messages are torch's."""

from __future__ import annotations

import cmath
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

# dtype name -> (rtol, atol). Every other dtype is compared exactly.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


class _Options(NamedTuple):
    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool


class _Mismatch(Exception):
    """What differs and, as keys from the outside in, where."""

    def __init__(self, text: str, path: tuple[Any, ...] = (), kind: type[Exception] = AssertionError) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        if path:
            self.text += "\n\nThe failure occurred for item " + "".join(f"[{key!r}]" for key in path)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Assert that ``abs(actual - expected) <= atol + rtol * abs(expected)`` holds everywhere.

    Takes tensors, NumPy arrays, numbers, bools, None, and sequences and mappings of these. Unless given together,
    ``rtol`` and ``atol`` follow the dtype: float16 1e-3 and 1e-5, bfloat16 1.6e-2 and 1e-5, float32 1.3e-6 and 1e-5,
    float64 1e-7 and 1e-7, complex as its parts, everything else exact.

    Raises:
        AssertionError: with what differs most and where. ``msg`` replaces the text, or makes a new one from it.
        TypeError: the inputs cannot be compared.
        ValueError: only one of ``rtol`` and ``atol`` is given, or one is negative.

    Example:
        >>> import tallow
        >>> from tallow.testing import assert_close
        >>> assert_close(tallow.tensor([1.0, 2.0]), tallow.tensor([1.0, 2.0 + 1e-7]))
        >>> assert_close([1, 2], [1, 3])
        Traceback (most recent call last):
            ...
        AssertionError: Scalars are not equal!
        <BLANKLINE>
        Expected 3 but got 2.
        Absolute difference: 1
        Relative difference: 0.3333333333333333
        <BLANKLINE>
        The failure occurred for item [1]
    """
    if (rtol is None) != (atol is None):
        missing = "atol" if atol is None else "rtol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    if rtol is not None and atol is not None and (rtol < 0 or atol < 0):
        raise ValueError(f"rtol and atol must not be negative, but got rtol={rtol} and atol={atol}")
    options = _Options(allow_subclasses, rtol, atol, equal_nan, check_device, check_dtype, check_layout, check_stride)
    try:
        pairs: list[Callable[[], None]] = []
        _pair_up(actual, expected, (), options, pairs)
        for compare in pairs:
            compare()
    except _Mismatch as mismatch:
        text = mismatch.text
        if mismatch.kind is AssertionError and msg is not None:
            text = msg(text) if callable(msg) else msg
        error = mismatch.kind(text)
    else:
        return
    raise error


# ---- structure ----------------------------------------------------------------------------------------------------


def _pair_up(
    actual: Any, expected: Any, path: tuple[Any, ...], options: _Options, pairs: list[Callable[[], None]]
) -> None:
    """Append one comparison per leaf. Structure that differs is reported before any value is looked at."""
    if actual is None or expected is None:
        pairs.append(lambda: _compare_none(actual, expected, path))
    elif _is_bool(actual) and _is_bool(expected):
        pairs.append(lambda: _compare_bools(bool(actual), bool(expected), path))
    elif _is_number(actual) and _is_number(expected):
        pairs.append(lambda: _compare_numbers(actual, expected, path, options))
    elif _are_tensor_like(actual, expected, options):
        pairs.append(lambda: _compare_tensors(_to_tensor(actual), _to_tensor(expected), path, options))
    elif _both(Sequence, actual, expected) and not isinstance(actual, str) and not isinstance(expected, str):
        if len(actual) != len(expected):
            raise _Mismatch(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path)
        for index, (left, right) in enumerate(zip(actual, expected, strict=True)):
            _pair_up(left, right, (*path, index), options, pairs)
    elif _both(Mapping, actual, expected):
        if set(actual) != set(expected):
            missing = _sorted(key for key in expected if key not in actual)
            additional = _sorted(key for key in actual if key not in expected)
            raise _Mismatch(
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {missing}\n"
                f"Additional keys in the actual mapping: {additional}",
                path,
            )
        for key in _sorted(expected):
            _pair_up(actual[key], expected[key], (*path, key), options, pairs)
    else:
        raise _Mismatch(
            f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.",
            path,
            TypeError,
        )


def _both(kind: type, actual: Any, expected: Any) -> bool:
    return isinstance(actual, kind) and isinstance(expected, kind)


def _sorted(keys: Any) -> list[Any]:
    keys = list(keys)
    try:
        return sorted(keys)
    except TypeError:  # keys of mixed types have no order but their own
        return keys


def _numpy() -> Any:
    return sys.modules.get("numpy")  # a NumPy object can only exist once NumPy has been imported


def _is_bool(value: Any) -> bool:
    numpy = _numpy()
    return isinstance(value, bool) or (numpy is not None and isinstance(value, numpy.bool_))


def _is_number(value: Any) -> bool:
    numpy = _numpy()
    return isinstance(value, (int, float, complex)) or (numpy is not None and isinstance(value, numpy.number))


def _are_tensor_like(actual: Any, expected: Any, options: _Options) -> bool:
    """Two tensors or two NumPy arrays, of related classes; without subclasses, of one class."""
    import tallow

    numpy = _numpy()
    kinds = (tallow.Tensor,) if numpy is None else (tallow.Tensor, numpy.ndarray)
    if not any(_both(kind, actual, expected) for kind in kinds):
        return False
    if not options.allow_subclasses:
        return type(actual) is type(expected)
    return isinstance(actual, type(expected)) or isinstance(expected, type(actual))


def _to_tensor(value: Any) -> Any:
    import tallow

    return value.detach() if isinstance(value, tallow.Tensor) else tallow.as_tensor(value)


# ---- leaves -------------------------------------------------------------------------------------------------------


def _compare_none(actual: Any, expected: Any, path: tuple[Any, ...]) -> None:
    if actual is not expected:
        raise _Mismatch(f"None mismatch: {actual} is not {expected}", path)


def _compare_bools(actual: bool, expected: bool, path: tuple[Any, ...]) -> None:
    if actual is not expected:
        raise _Mismatch(f"Booleans mismatch: {actual} is not {expected}", path)


def _compare_numbers(actual: Any, expected: Any, path: tuple[Any, ...], options: _Options) -> None:
    left = actual.item() if hasattr(actual, "item") else actual
    right = expected.item() if hasattr(expected, "item") else expected
    if options.check_dtype and type(left) is not type(right):
        raise _Mismatch(f"The (d)types do not match: {type(left)} != {type(right)}.", path)
    names = {float: "float64", complex: "complex128"}
    rtol, atol = _tolerances(names.get(type(left), "int64"), names.get(type(right), "int64"), options)
    if not _numbers_close(left, right, rtol, atol, options.equal_nan):
        raise _Mismatch(_scalar_message(left, right, rtol, atol), path)


def _numbers_close(left: Any, right: Any, rtol: float, atol: float, equal_nan: bool) -> bool:
    if left == right or (equal_nan and cmath.isnan(left) and cmath.isnan(right)):
        return True
    if rtol == atol == 0:
        return False
    difference = abs(left - right)
    return cmath.isfinite(difference) and difference <= atol + abs(rtol * right)


def _scalar_message(left: Any, right: Any, rtol: float, atol: float) -> str:
    difference = abs(left - right)
    relative = difference / abs(right) if right != 0 else float("inf")
    word, allowed_abs, allowed_rel = _allowed(rtol, atol)
    return (
        f"Scalars are not {word}!\n\nExpected {right} but got {left}.\n"
        f"Absolute difference: {difference}{allowed_abs}\nRelative difference: {relative}{allowed_rel}"
    )


def _allowed(rtol: float, atol: float) -> tuple[str, str, str]:
    if rtol == atol == 0:
        return "equal", "", ""
    return "close", f" (up to {atol} allowed)", f" (up to {rtol} allowed)"


def _tolerances(left: str, right: str, options: _Options) -> tuple[float, float]:
    """The given tolerances, or the looser of the two dtypes' defaults."""
    if options.rtol is not None and options.atol is not None:
        return options.rtol, options.atol
    exact = (0.0, 0.0)
    rtols, atols = zip(_TOLERANCES.get(left, exact), _TOLERANCES.get(right, exact), strict=True)
    return max(rtols), max(atols)


def _compare_tensors(actual: Any, expected: Any, path: tuple[Any, ...], options: _Options) -> None:
    _compare_attributes(actual, expected, path, options)
    if actual.device.type == "meta" or expected.device.type == "meta":
        return
    actual, expected = actual.to_dense(), expected.to_dense()  # sparse ones with all their zeros
    names = [str(tensor.dtype).rpartition(".")[2] for tensor in (actual, expected)]
    rtol, atol = _tolerances(names[0], names[1], options)
    actual, expected = _equalise(actual, expected)
    matches = _close(actual, expected, rtol, atol, options.equal_nan)
    if bool(matches.all()):
        return
    if actual.dim() == 0:
        raise _Mismatch(_scalar_message(actual.item(), expected.item(), rtol, atol), path)
    raise _Mismatch(_tensor_message(actual, expected, matches, rtol, atol), path)


def _compare_attributes(actual: Any, expected: Any, path: tuple[Any, ...], options: _Options) -> None:
    def check(name: str, left: Any, right: Any) -> None:
        if left != right:
            raise _Mismatch(f"The values for attribute '{name}' do not match: {left} != {right}.", path)

    check("shape", actual.shape, expected.shape)
    if options.check_layout:
        check("layout", actual.layout, expected.layout)
    if options.check_stride and not (actual.is_sparse or expected.is_sparse):
        check("stride()", actual.stride(), expected.stride())
    if options.check_device:
        check("device", actual.device, expected.device)
    if options.check_dtype:
        check("dtype", actual.dtype, expected.dtype)


def _equalise(actual: Any, expected: Any) -> tuple[Any, Any]:
    """One device, one dtype; dtypes without full arithmetic are widened."""
    import tallow

    if actual.device != expected.device:
        actual, expected = actual.cpu(), expected.cpu()
    if actual.dtype != expected.dtype:
        common = tallow.promote_types(actual.dtype, expected.dtype)
        actual, expected = actual.to(common), expected.to(common)
    dtype = actual.dtype
    if dtype.is_floating_point and dtype.itemsize == 1:
        actual, expected = actual.to(tallow.float32), expected.to(tallow.float32)
    return actual, expected


def _close(actual: Any, expected: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    """Where the two agree, as a bool tensor."""
    matches = actual == expected
    if equal_nan and (actual.dtype.is_floating_point or actual.dtype.is_complex):
        matches = matches | ((actual != actual) & (expected != expected))
    if rtol == atol == 0:
        return matches
    left, right = _exact_difference(actual, expected)
    difference = (left - right).abs()
    near = difference <= (right * rtol).abs() + atol
    if difference.dtype.is_floating_point:
        near = near & (difference < float("inf"))  # an infinite expectation allows any error
    return matches | near


def _exact_difference(actual: Any, expected: Any) -> tuple[Any, Any]:
    """Integers and bools as int64, so that their difference does not wrap around."""
    import tallow

    if actual.dtype.is_floating_point or actual.dtype.is_complex:
        return actual, expected
    return actual.to(tallow.int64), expected.to(tallow.int64)


def _tensor_message(actual: Any, expected: Any, matches: Any, rtol: float, atol: float) -> str:
    import tallow

    total = matches.numel()
    wrong = total - int(matches.sum())
    left, right = _exact_difference(actual.flatten(), expected.flatten())
    agree = matches.flatten()
    difference = (left - right).abs()
    difference = tallow.where(agree, tallow.zeros_like(difference), difference)
    relative = difference / right.abs()
    relative = tallow.where(agree, tallow.zeros_like(relative), relative)
    word, allowed_abs, allowed_rel = _allowed(rtol, atol)
    return (
        f"Tensor-likes are not {word}!\n\nMismatched elements: {wrong} / {total} ({wrong / total:.1%})\n"
        f"Greatest absolute difference: {_greatest(difference, actual.shape)}{allowed_abs}\n"
        f"Greatest relative difference: {_greatest(relative, actual.shape)}{allowed_rel}"
    )


def _greatest(values: Any, shape: Any) -> str:
    flat = int(values.argmax())
    value = values[flat].item()
    index = []
    for size in reversed(shape):
        flat, position = divmod(flat, size)
        index.append(position)
    return f"{value} at index {tuple(reversed(index))}"
