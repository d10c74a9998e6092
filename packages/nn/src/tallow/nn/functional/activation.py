"""Activations, pointwise and along a dimension.

Those with a flag `inplace` write into the input's own memory and return it; ``name_`` is the same as a function.
"""

from __future__ import annotations

import warnings
from typing import Any

import tallow
from tallow import Tensor, ops

_ops = ops.nn

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(0, x)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.relu(tallow.tensor([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]
    """
    return input.relu_() if inplace else input.relu()


def relu_(input: Tensor) -> Tensor:
    """:func:`relu` in place."""
    return input.relu_()


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``x`` where it is above `threshold`, else `value`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.threshold(tallow.tensor([-1.0, 0.0, 2.0]), 0.5, 9.0).tolist()
    [9.0, 9.0, 2.0]
    """
    return (tallow.threshold_ if inplace else tallow.threshold)(input, threshold, value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """:func:`threshold` in place."""
    return tallow.threshold_(input, threshold, value)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` held between `min_val` and `max_val`.

    Raises:
        ValueError: if `min_val` is greater than `max_val`.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.hardtanh(tallow.tensor([-1.0, 0.0, 2.0])).tolist()
    [-1.0, 0.0, 1.0]
    """
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if not input.dtype.is_floating_point:
        if input.dtype is tallow.bool:
            raise RuntimeError("Bool inputs not supported for hardtanh")
        return (input.clamp_ if inplace else input.clamp)(int(min_val), int(max_val))
    return (_ops.hardtanh_ if inplace else _ops.hardtanh)(input, min_val, max_val)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """:func:`hardtanh` in place."""
    return hardtanh(input, min_val, max_val, inplace=True)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(0, x), 6)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.relu6(tallow.tensor([-1.0, 7.0])).tolist()
    [0.0, 6.0]
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.elu(tallow.tensor([0.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return (_ops.elu_ if inplace else _ops.elu)(input, alpha)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """:func:`elu` in place."""
    return _ops.elu_(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """:func:`elu` with the scale and slope that keep mean 0 and variance 1 (Klambauer et al., 2017).

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.selu(tallow.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.1113,  0.0000,  2.1014])
    """
    return (_ops.elu_ if inplace else _ops.elu)(input, _SELU_ALPHA, _SELU_SCALE)


def selu_(input: Tensor) -> Tensor:
    """:func:`selu` in place."""
    return selu(input, inplace=True)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))``.

    Raises:
        RuntimeError: if `alpha` is 0.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.celu(tallow.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.6321,  0.0000,  2.0000])
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return (_ops.elu_ if inplace else _ops.elu)(input, alpha, 1.0, 1.0 / alpha)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """:func:`celu` in place."""
    return celu(input, alpha, inplace=True)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``x`` where it is positive, else ``negative_slope * x``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.leaky_relu(tallow.tensor([-1.0, 0.0, 2.0]), 0.5).tolist()
    [-0.5, 0.0, 2.0]
    """
    return (_ops.leaky_relu_ if inplace else _ops.leaky_relu)(input, negative_slope)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """:func:`leaky_relu` in place."""
    return _ops.leaky_relu_(input, negative_slope)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``x`` where it is positive, else ``weight * x``; one weight, or one for each channel (dimension 1).

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.prelu(tallow.tensor([-1.0, 0.0, 2.0]), tallow.tensor([0.25])).tolist()
    [-0.25, 0.0, 2.0]
    """
    return _ops.prelu(input, weight)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """:func:`leaky_relu` with slopes drawn from ``[lower, upper)`` in `training`, else with their mean.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.rrelu(tallow.tensor([-2.0, 1.0]), 0.25, 0.75).tolist()
    [-1.0, 1.0]
    """
    return rrelu_(input, lower, upper, training) if inplace else _ops.rrelu(input, lower, upper, training)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """:func:`rrelu` in place."""
    if training:
        return _ops.rrelu_(input, lower, upper, True)
    # The gradient of the op itself keeps the input as it was, that of a composition does not.
    return _ops.leaky_relu_(input, (lower + upper) / 2)


def gelu(input: Tensor, approximate: str = "none", *, out: Tensor | None = None) -> Tensor:
    """``x * Phi(x)``, exact or, with ``approximate="tanh"``, by a hyperbolic tangent.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.gelu(tallow.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.1587,  0.0000,  1.9545])
    """
    return _ops.gelu(input, approximate=approximate, out=out)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * sigmoid(x)``, also called swish; of complex numbers too.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.silu(tallow.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2689,  0.0000,  1.7616])
    """
    if input.is_complex():
        result = input * input.sigmoid()
        return input.copy_(result) if inplace else result
    return (_ops.silu_ if inplace else _ops.silu)(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * tanh(log(1 + exp(x)))``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.mish(tallow.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.3034,  0.0000,  1.9440])
    """
    return (_ops.mish_ if inplace else _ops.mish)(input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * relu6(x + 3) / 6``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.hardswish(tallow.tensor([-3.0, 3.0])).tolist()
    [-0.0, 3.0]
    """
    return (_ops.hardswish_ if inplace else _ops.hardswish)(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``relu6(x + 3) / 6``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.hardsigmoid(tallow.tensor([-3.0, 0.0, 3.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return (_ops.hardsigmoid_ if inplace else _ops.hardsigmoid)(input)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half along `dim` times the sigmoid of the second half.

    Raises:
        RuntimeError: if the size along `dim` is odd, or there are no dimensions.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.glu(tallow.tensor([4.0, 0.0])).tolist()
    [2.0]
    """
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    return _ops.glu(input, dim)


def logsigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log(1 / (1 + exp(-x)))``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.logsigmoid(tallow.tensor([0.0]))
    tensor([-0.6931])
    """
    return _ops.log_sigmoid(input, out=out)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20, *, out: Tensor | None = None) -> Tensor:
    """``log(1 + exp(beta * x)) / beta``; ``x`` itself where ``beta * x > threshold``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.softplus(tallow.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.0000])
    """
    return _ops.softplus(input, beta, threshold, out=out)


def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """``x`` where its absolute value is above `lambd`, else 0.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.hardshrink(tallow.tensor([-1.0, 0.0, 2.0]), 1.5).tolist()
    [0.0, 0.0, 2.0]
    """
    return tallow.hardshrink(input, lambd, out=out)  # type: ignore[arg-type]


def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """``x`` moved by `lambd` towards 0; 0 where it is nearer than that.

    Raises:
        RuntimeError: if `lambd` is negative.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.softshrink(tallow.tensor([-1.0, 0.0, 2.0])).tolist()
    [-0.5, 0.0, 1.5]
    """
    if not lambd >= 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return _ops.softshrink(input, lambd, out=out)


def tanhshrink(input: Tensor) -> Tensor:
    """``x - tanh(x)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.tanhshrink(tallow.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2384,  0.0000,  1.0360])
    """
    return input - input.tanh()


def softsign(input: Tensor) -> Tensor:
    """``x / (1 + |x|)``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.softsign(tallow.tensor([-1.0, 3.0])).tolist()
    [-0.5, 0.75]
    """
    return input / (input.abs() + 1)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.tanh(tallow.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.7616,  0.0000,  0.9640])
    """
    return input.tanh()


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.sigmoid(tallow.tensor([-1.0, 0.0, 2.0]))
    tensor([0.2689, 0.5000, 0.8808])
    """
    return input.sigmoid()


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along `dim`; with `dtype` the input is cast first.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.softmax(tallow.zeros(4), dim=0).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    if dim is None:
        dim = _implicit_dim("softmax", input.dim(), _stacklevel)
    return tallow.softmax(input, dim, dtype=dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """:func:`softmax` of ``-x``.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.softmin(tallow.zeros(4), dim=0).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    if dim is None:
        dim = _implicit_dim("softmin", input.dim(), _stacklevel)
    return tallow.softmax(-input, dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of :func:`softmax`, computed without leaving logarithms.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.log_softmax(tallow.zeros(2), dim=0)
    tensor([-0.6931, -0.6931])
    """
    if dim is None:
        dim = _implicit_dim("log_softmax", input.dim(), _stacklevel)
    return tallow.log_softmax(input, dim, dtype=dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample of the relaxed categorical distribution of `logits` (Jang et al., 2016; Maddison et al., 2016).

    Args:
        tau: the temperature.
        hard: return one-hot vectors; their gradient is that of the soft sample.
        eps: has no effect.
        dim: the dimension of the categories.

    >>> import tallow
    >>> import tallow.nn.functional as F
    >>> F.gumbel_softmax(tallow.zeros(2, 5), hard=True).sum(-1)
    tensor([1., 1.])
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -tallow.empty_like(logits, memory_format=tallow.contiguous_format).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    winner = soft.argmax(dim, keepdim=True)
    one_hot = tallow.zeros_like(soft).scatter_(dim, winner, 1.0)
    return one_hot - soft.detach() + soft


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1
