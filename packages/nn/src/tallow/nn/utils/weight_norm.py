"""Weight normalisation by a hook, the older form of ``parametrizations.weight_norm`` (Salimans and Kingma, 2016)."""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

from tallow import Tensor

from ..lazy_parameter import UninitializedParameter
from ..modules.module import Module
from ..parameter import Parameter
from ._tensor_hooks import find_hook, remove_hook

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]

AnyModule = TypeVar("AnyModule", bound=Module)


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The length of each slice of `v` at an index of `dim`, or of all of `v` if `dim` is -1."""
    if dim == -1:
        return v.norm()
    return v.norm(2, dim=[d for d in range(v.dim()) if d != dim], keepdim=True)


def normalized_weight(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """`v` with the lengths `g`."""
    return v * (g / norm_except_dim(v, dim))


class WeightNorm:
    """The hook: computes the weight before each forward."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        """The weight from its lengths and directions."""
        return normalized_weight(getattr(module, self.name + "_v"), getattr(module, self.name + "_g"), self.dim)

    @staticmethod
    def apply(module: Module, name: str, dim: int | None) -> WeightNorm:
        """Replace the parameter by its lengths and directions, and register the hook."""
        warnings.warn(
            "`nn.utils.weight_norm` is deprecated in favor of `nn.utils.parametrizations.weight_norm`.",
            FutureWarning,
            stacklevel=3,
        )
        if find_hook(module, WeightNorm, name) is not None:
            raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
        hook = WeightNorm(name, dim)
        weight = getattr(module, name)
        if isinstance(weight, UninitializedParameter):
            raise ValueError(
                "The module passed to `WeightNorm` can't have uninitialized parameters. "
                "Make sure to run the dummy forward before applying weight normalization"
            )
        del module._parameters[name]
        module.register_parameter(name + "_g", Parameter(norm_except_dim(weight.detach(), hook.dim)))
        module.register_parameter(name + "_v", Parameter(weight.data))
        setattr(module, name, hook.compute_weight(module))
        module.register_forward_pre_hook(hook)
        return hook

    def remove(self, module: Module) -> None:
        """Make the weight a parameter again."""
        weight = self.compute_weight(module)
        delattr(module, self.name)
        del module._parameters[self.name + "_g"]
        del module._parameters[self.name + "_v"]
        setattr(module, self.name, Parameter(weight.data))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: AnyModule, name: str = "weight", dim: int | None = 0) -> AnyModule:
    """Train a weight's length ``name_g`` and direction ``name_v`` apart; use the one in ``parametrizations`` instead.

    Args:
        module: owns the parameter.
        name: the parameter's name. Default: "weight".
        dim: there is a length for every index of this dimension; None for one of the whole tensor. Default: 0.

    >>> from tallow import nn
    >>> layer = nn.utils.weight_norm(nn.Linear(2, 3))
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight_g', 'weight_v']
    """
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module: AnyModule, name: str = "weight") -> AnyModule:
    """Make the weight an ordinary parameter again.

    Raises:
        ValueError: if it was not normalised.

    >>> from tallow import nn
    >>> layer = nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(2, 3)))
    >>> sorted(name for name, _ in layer.named_parameters())
    ['bias', 'weight']
    """
    hook = remove_hook(module, WeightNorm, name)
    if hook is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    hook.remove(module)
    return module
