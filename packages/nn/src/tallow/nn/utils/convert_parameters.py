"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

import tallow
from tallow import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters, flattened, in one vector.

    >>> from tallow import nn
    >>> nn.utils.parameters_to_vector(nn.Linear(2, 3).parameters()).numel()
    9
    """
    return tallow.cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make the parameters views of the parts of `vec`, which :func:`parameters_to_vector` made.

    Raises:
        TypeError: if `vec` is no tensor.
        RuntimeError: if `vec` is too short.

    >>> import tallow
    >>> from tallow import nn
    >>> layer = nn.Linear(1, 1)
    >>> nn.utils.vector_to_parameters(tallow.tensor([2.0, 3.0]), layer.parameters())
    >>> layer.weight.item(), layer.bias.item()
    (2.0, 3.0)
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected tallow.Tensor, but got: {type(vec).__name__}")
    start = 0
    for param in parameters:
        count = param.numel()
        param.data = vec[start : start + count].view_as(param).data
        start += count
