"""Initial values for parameters. Every function writes in place, outside autograd, and returns its tensor."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import tallow
from tallow import Tensor

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

_LINEAR = ("linear", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3)), "sigmoid")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity asks for larger weights, so that variance is kept.

    Args:
        nonlinearity: "linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu", ...
        param: the negative slope of "leaky_relu". Default: 0.01.

    Raises:
        ValueError: for an unknown name, or a `param` that is no number.

    >>> from tallow import nn
    >>> round(nn.init.calculate_gain("relu"), 4)
    1.4142
    """
    if nonlinearity in _LINEAR:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs one output sees, and how many outputs one input reaches."""
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.size(1) * field, tensor.size(0) * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return fan_in if mode == "fan_in" else fan_out


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Draw from the uniform distribution on ``[a, b)``.

    >>> import tallow
    >>> from tallow import nn
    >>> bool((nn.init.uniform_(tallow.empty(100), 2, 3) >= 2).all())
    True
    """
    with tallow.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Draw from the normal distribution.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.init.normal_(tallow.empty(2, 3), std=0.0).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    with tallow.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Tensor:
    """Draw from the normal distribution cut to ``[a, b]``.

    By inverting its distribution function; far from the mean, where that has no digits left, by rejection (Robert,
    "Simulation of truncated normal variables", 1995).

    >>> import tallow
    >>> from tallow import nn
    >>> bool((nn.init.trunc_normal_(tallow.empty(100), a=-1, b=1).abs() <= 1).all())
    True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )

    def normal_cdf(x: float) -> float:
        return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0

    low, high = normal_cdf((a - mean) / std), normal_cdf((b - mean) / std)
    with tallow.no_grad():
        if high - low <= 0.3:
            return _by_rejection_(tensor, mean, std, a, b, generator)
        tensor.uniform_(2 * low - 1, 2 * high - 1, generator=generator)
        return tensor.erfinv_().mul_(std * math.sqrt(2.0)).add_(mean).clamp_(a, b)


def _by_rejection_(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Any) -> Tensor:
    """Uniform values of which each is kept with its density divided by the largest one."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    missing = tallow.ones(tensor.shape, dtype=tallow.bool, device=tensor.device)
    while not tensor.is_meta and bool(missing.any()):
        drawn = tallow.empty_like(tensor).uniform_(a, b, generator=generator)
        level = tallow.empty_like(tensor).uniform_(generator=generator).log_()
        keep = missing & (level <= -0.5 * ((drawn - mean) / std) ** 2 - peak)
        tensor.copy_(tallow.where(keep, drawn, tensor))
        missing = missing & ~keep
    return tensor


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with `val`.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.init.constant_(tallow.empty(2), 3).tolist()
    [3.0, 3.0]
    """
    with tallow.no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.init.ones_(tallow.empty(2)).tolist()
    [1.0, 1.0]
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.init.zeros_(tallow.empty(2)).tolist()
    [0.0, 0.0]
    """
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Write the identity matrix into a two-dimensional tensor.

    >>> import tallow
    >>> from tallow import nn
    >>> nn.init.eye_(tallow.empty(2, 3)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with tallow.no_grad():
        return tensor.copy_(tallow.eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make a convolution's weight, of 3 to 5 dimensions, pass as many channels through as it can.

    >>> import tallow
    >>> from tallow import nn
    >>> conv = nn.Conv1d(2, 2, 3, padding=1, bias=False)
    >>> _ = nn.init.dirac_(conv.weight)
    >>> conv(tallow.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.size(0) % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    per_group = tensor.size(0) // groups
    centre = [n // 2 for n in tensor.shape[2:]]
    with tallow.no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(per_group, tensor.size(1))):
                tensor[(group * per_group + channel, channel, *centre)] = 1
    return tensor


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Glorot and Bengio (2010): uniform in ``±gain * sqrt(6 / (fan_in + fan_out))``.

    >>> import tallow
    >>> from tallow import nn
    >>> bool((nn.init.xavier_uniform_(tallow.empty(10, 14)).abs() <= 0.5).all())
    True
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    bound = math.sqrt(3.0) * gain * math.sqrt(2.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Glorot and Bengio (2010): normal with deviation ``gain * sqrt(2 / (fan_in + fan_out))``.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.init.xavier_normal_(tallow.empty(3, 5)).shape)
    (3, 5)
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """He et al. (2015): uniform in ``±gain * sqrt(3 / fan)``, where `a` is the slope of "leaky_relu".

    >>> import tallow
    >>> from tallow import nn
    >>> bool((nn.init.kaiming_uniform_(tallow.empty(5, 6)).abs() <= 1).all())
    True
    """
    if _has_no_elements(tensor):
        return tensor
    bound = math.sqrt(3.0) * calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """He et al. (2015): normal with deviation ``gain / sqrt(fan)``, where `a` is the slope of "leaky_relu".

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.init.kaiming_normal_(tallow.empty(3, 5), mode="fan_out").shape)
    (3, 5)
    """
    if _has_no_elements(tensor):
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    return normal_(tensor, 0.0, std, generator)


def _has_no_elements(tensor: Tensor) -> bool:
    if 0 not in tensor.shape:
        return False
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return True


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Rows, or columns where there are fewer, that are orthonormal (Saxe et al., 2013); the rest dimensions are one.

    Raises:
        ValueError: if the tensor has fewer than 2 dimensions.

    >>> import tallow
    >>> from tallow import nn
    >>> w = nn.init.orthogonal_(tallow.empty(2, 3))
    >>> (w @ w.T - tallow.eye(2)).abs().max().item() < 1e-5
    True
    """
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows, cols = tensor.size(0), tensor.numel() // tensor.size(0)
    with tallow.no_grad():
        dtype = tallow.float64 if tensor.dtype == tallow.float64 else tallow.float32
        values = tallow.empty((rows, cols), dtype=dtype, device=tensor.device).normal_(0, 1, generator=generator)
        q, r = tallow.linalg.qr(values if rows >= cols else values.t())
        q = q * r.diagonal().sgn()  # with a positive diagonal of R, Q is uniform over the orthogonal matrices
        return tensor.copy_((q if rows >= cols else q.t()).reshape(tensor.shape)).mul_(gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal values, of which the fraction `sparsity` of each column is zero (Martens, 2010).

    >>> import tallow
    >>> from tallow import nn
    >>> int((nn.init.sparse_(tallow.empty(10, 3), sparsity=0.3) == 0).sum())
    9
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, cols = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with tallow.no_grad():
        tensor.normal_(0, std, generator=generator)
        for col in range(cols):
            tensor[tallow.randperm(rows, generator=generator)[:zeros], col] = 0
    return tensor


def _old_name(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The name without underscore, which these functions once had: it warns."""
    name = function.__name__

    @functools.wraps(function)
    def renamed(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"`nn.init.{name[:-1]}` is now deprecated in favor of `nn.init.{name}`.", FutureWarning, stacklevel=2
        )
        return function(*args, **kwargs)

    renamed.__name__ = name[:-1]
    renamed.__doc__ = f"The old name of :func:`{name}`."
    return renamed


uniform = _old_name(uniform_)
normal = _old_name(normal_)
constant = _old_name(constant_)
eye = _old_name(eye_)
dirac = _old_name(dirac_)
xavier_uniform = _old_name(xavier_uniform_)
xavier_normal = _old_name(xavier_normal_)
kaiming_uniform = _old_name(kaiming_uniform_)
kaiming_normal = _old_name(kaiming_normal_)
orthogonal = _old_name(orthogonal_)
sparse = _old_name(sparse_)
