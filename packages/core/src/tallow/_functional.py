"""Functions of the module ``tallow`` that are not ops: queries, seeds, settings, and ops with a Python signature."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tallow import _core, _ops
from tallow._core import Generator, Tensor, default_generator

__all__ = [
    "broadcast_shapes",
    "compiled_with_cxx11_abi",
    "element_size",
    "get_device",
    "get_num_threads",
    "get_rng_state",
    "initial_seed",
    "is_complex",
    "is_floating_point",
    "is_inference",
    "is_nonzero",
    "is_signed",
    "is_tensor",
    "manual_seed",
    "nonzero",
    "numel",
    "result_type",
    "seed",
    "set_num_threads",
    "set_rng_state",
    "finfo",
    "iinfo",
]

_runtime = _ops.Namespace("runtime")


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a Tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is float16, bfloat16, float32 or float64."""
    return input.is_floating_point()


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return input.is_signed()


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return input.is_inference()


def get_device(input: Tensor) -> int:
    """The number of the tensor's GPU, -1 on the CPU."""
    return input.get_device()


def is_complex(input: Tensor) -> bool:
    """Whether the dtype is complex64 or complex128."""
    return input.is_complex()


def is_nonzero(input: Tensor) -> bool:
    """The truth of a tensor with one element."""
    return bool(input)


def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not zero: a (n, ndim) tensor, or a tuple of ndim index tensors.

    >>> import tallow
    >>> tallow.nonzero(tallow.tensor([0, 3, 4]), as_tuple=True)
    (tensor([1, 2]),)
    """
    return input.nonzero(out=out, as_tuple=as_tuple)  # type: ignore[call-arg]


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


def element_size(input: Tensor) -> int:
    """Bytes per element."""
    return input.element_size()


def manual_seed(seed: int) -> Generator:
    """Seeds the default generator and returns it.

    >>> import tallow
    >>> _ = tallow.manual_seed(0); a = tallow.rand(3)
    >>> _ = tallow.manual_seed(0); bool((a == tallow.rand(3)).all())
    True
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seeds the default generator from the system's entropy and returns the seed."""
    import os

    value = int.from_bytes(os.urandom(8), "little")
    default_generator.manual_seed(value)
    return value


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


def _state_tensor(g: Generator) -> Tensor:
    return _core._tensor_from_data(list(b"".join(v.to_bytes(8, "little") for v in g._state())), _core.uint8)


def _set_state_tensor(g: Generator, state: Tensor) -> None:
    raw = bytes(state.tolist())
    if state.dtype is not _core.uint8 or len(raw) != 16:
        got = f"{state.dtype} of {tuple(state.shape)}"
        raise RuntimeError(f"set_state(): expected a uint8 tensor of 16 elements, got {got}")
    g._set_state(int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:], "little"))


# The native type keeps two numbers; as a tensor they can be saved with everything else.
for _name, _method in ("get_state", _state_tensor), ("set_state", _set_state_tensor):
    setattr(Generator, _name, _method)


def get_rng_state() -> Tensor:
    """The state of the default generator, a uint8 tensor."""
    return _state_tensor(default_generator)


def set_rng_state(new_state: Tensor) -> None:
    """Puts the default generator into a state that :func:`get_rng_state` gave."""
    _set_state_tensor(default_generator, new_state)


@contextlib.contextmanager
def _fork_rng() -> Iterator[None]:
    state = default_generator._state()
    try:
        yield
    finally:
        default_generator._set_state(*state)


def get_num_threads() -> int:
    """How many threads ops use."""
    return _runtime.get_num_threads()


def set_num_threads(n: int) -> None:
    """Sets how many threads ops use. Results do not depend on it."""
    if isinstance(n, bool) or not isinstance(n, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(n).__name__}")
    _runtime.set_num_threads(n)


def compiled_with_cxx11_abi() -> bool:
    return True


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that tensors of these shapes broadcast to.

    >>> import tallow
    >>> tallow.broadcast_shapes((2, 1), (3,))
    tallow.Size([2, 3])
    """
    out: list[int] = []
    for shape in shapes:
        sizes = [shape] if isinstance(shape, int) else list(shape)
        if any(s < 0 for s in sizes):
            raise RuntimeError(f"Trying to create tensor with negative dimension ({min(sizes)}): ({min(sizes)})")
        if len(sizes) > len(out):
            out = [1] * (len(sizes) - len(out)) + out
        for i, s in enumerate(reversed(sizes), 1):
            if s == 1 or s == out[-i]:
                continue
            if out[-i] != 1:
                raise RuntimeError(f"Shape mismatch: objects cannot be broadcast to a single shape: {shapes}")
            out[-i] = s
    return _core.Size(out)


def result_type(tensor1: Any, tensor2: Any) -> _core.dtype:
    """The dtype of an arithmetic operation on the two (tensors or numbers)."""
    a = tensor1 if isinstance(tensor1, Tensor) else None
    b = tensor2 if isinstance(tensor2, Tensor) else None
    if a is None and b is None:
        a, b = _core._tensor_from_data(tensor1, None), _core._tensor_from_data(tensor2, None)
    # On meta tensors no arithmetic is done; 0-dim tensors keep their rank in the promotion.
    x = a.to("meta") if a is not None else tensor1
    y = b.to("meta") if b is not None else tensor2
    return _ops.packet("add")(x, y).dtype if isinstance(x, Tensor) else _ops.packet("add")(y, x).dtype


class _Info:
    def __repr__(self) -> str:
        fields = ", ".join(f"{k}={v}" for k, v in self.__dict__.items())
        return f"{type(self).__name__}({fields})"


# bits of the mantissa (without the hidden one), smallest and largest exponent, decimal digits, largest value
_FLOATS = {
    "float16": (10, -14, 0.0009765625, 65504.0, 3),
    "bfloat16": (7, -126, 0.0078125, 3.3895313892515355e38, 2),
    "float32": (23, -126, 1.1920928955078125e-07, 3.4028234663852886e38, 6),
    "float64": (52, -1022, 2.220446049250313e-16, 1.7976931348623157e308, 15),
    "float8_e4m3fn": (3, -6, 0.125, 448.0, 1),
    "float8_e5m2": (2, -14, 0.25, 57344.0, 1),
}


class finfo(_Info):
    """Limits of a floating-point dtype (for complex dtypes, of their parts).

    >>> import tallow
    >>> tallow.finfo(tallow.float32).max
    3.4028234663852886e+38
    """

    def __init__(self, type: _core.dtype | None = None):
        from tallow._creation import get_default_dtype

        real = (type if type is not None else get_default_dtype()).to_real()
        if real.name not in _FLOATS:
            raise TypeError(f"tallow.finfo() requires a floating point input type. Use tallow.iinfo to handle '{type}'")
        mantissa, low, eps, top, digits = _FLOATS[real.name]
        self.resolution = float(f"1e-{digits}")
        self.min, self.max, self.eps = -top, top, eps
        self.smallest_normal = self.tiny = 2.0**low
        self.dtype = real.name
        self.bits = real.itemsize * 8


class iinfo(_Info):
    """Limits of an integer dtype."""

    def __init__(self, type: _core.dtype):
        if type.is_floating_point or type.is_complex or type.name == "bool":
            raise TypeError(f"tallow.iinfo() requires an integer input type. Use tallow.finfo to handle '{type}'")
        self.bits = type.itemsize * 8
        self.min = -(2 ** (self.bits - 1)) if type.is_signed else 0
        self.max = 2 ** (self.bits - 1) - 1 if type.is_signed else 2**self.bits - 1
        self.dtype = type.name
