"""What modules share that end with ``* weight + bias``."""

from __future__ import annotations

from typing import Any

import tallow

from .. import init
from ..parameter import Parameter
from .module import Module


class Affine(Module):
    """A module with a learned weight, at first ones, and offset, at first zeros, or None in their place."""

    weight: Parameter | None
    bias: Parameter | None

    def _register_affine(self, shape: int | tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        for name, wanted in (("weight", weight), ("bias", bias)):
            value = Parameter(tallow.empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, value)

    def reset_parameters(self) -> None:
        """Set weight to ones and bias to zeros."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)
