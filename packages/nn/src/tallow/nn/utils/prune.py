"""Pruning: parameters of which some elements are held at zero by a mask."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import tallow
from tallow import Tensor

from ..modules.module import Module
from ._tensor_hooks import find_hook, remove_hook
from .convert_parameters import parameters_to_vector

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]

AnyModule = TypeVar("AnyModule", bound=Module)


class BasePruningMethod(ABC):
    """A way to choose which elements to keep: a subclass defines ``compute_mask`` and ``PRUNING_TYPE``.

    An instance is the hook that multiplies ``name_orig``, the parameter, with ``name_mask``, a buffer, into ``name``
    before each forward. ``PRUNING_TYPE`` is "unstructured", "structured" (whole slices along ``dim``) or "global"; it
    says what of an already pruned tensor the method sees.

    >>> class EverySecond(BasePruningMethod):
    ...     PRUNING_TYPE = "unstructured"
    ...     def compute_mask(self, t, default_mask):
    ...         mask = default_mask.clone()
    ...         mask.view(-1)[::2] = 0
    ...         return mask
    >>> EverySecond().prune(tallow.ones(4)).tolist()
    [0.0, 1.0, 0.0, 1.0]
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for scores `t` on top of `default_mask`: 1 where an element is kept, 0 where not."""

    def apply_mask(self, module: Module) -> Tensor:
        """The pruned tensor."""
        original = getattr(module, self._tensor_name + "_orig")
        return getattr(module, self._tensor_name + "_mask").to(original.dtype) * original

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune the tensor `name` of `module`; what has been pruned before stays pruned.

        Args:
            args, kwargs: those of the method's constructor.
            importance_scores: of the tensor's shape, to compute the mask from instead of the tensor itself.
        """
        found = find_hook(module, BasePruningMethod, name, "_tensor_name")
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        original = getattr(module, name)
        scores = original if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, "
                f"got {scores.shape} vs {original.shape}"
            )
        if found is None:
            mask = method.compute_mask(scores, default_mask=tallow.ones_like(original))
            del module._parameters[name]
            module.register_parameter(name + "_orig", original)
        else:
            before = getattr(module, name + "_mask").detach().clone()
            container = found[1] if isinstance(found[1], PruningContainer) else PruningContainer(found[1])
            container.add_pruning_method(method)
            method = container
            mask = method.compute_mask(scores, default_mask=before)
            del module._forward_pre_hooks[found[0]]
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None
    ) -> Tensor:
        """`t` with the mask that this method computes for it, or for `importance_scores`."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {scores.shape} vs {t.shape}"
            )
        return t * self.compute_mask(scores, tallow.ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Module) -> None:
        """Make the pruned tensor the parameter: what is zero now may be trained again."""
        name = self._tensor_name
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original: Any = module._parameters[name + "_orig"]
        original.data = weight.detach()
        del module._parameters[name + "_orig"]
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several methods, one after the other, on the same tensor."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add a method that prunes the same tensor."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to "
                f"PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask after the last method, which sees what the others have left."""
        method = self._pruning_methods[-1]
        mask = default_mask.to(t.dtype).clone()
        kept = self._kept(method, t, default_mask)
        mask[kept] = method.compute_mask(t[kept], default_mask=default_mask[kept]).to(mask.dtype)
        return mask

    def _kept(self, method: BasePruningMethod, t: Tensor, mask: Tensor) -> Any:
        """The index of what has not been pruned, as the method's type sees it."""
        if method.PRUNING_TYPE == "unstructured":
            return mask == 1
        index: list[Any] = [slice(None)] * t.dim()
        if method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(
                    'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.'
                )
            dim = method.dim if method.dim >= 0 else t.dim() + method.dim
            if dim < 0:
                raise IndexError(f"Index is out of bounds for tensor with dimensions {t.dim()}")
            index[dim] = mask.sum([d for d in range(t.dim()) if d != dim]) != 0
        elif method.PRUNING_TYPE != "global":
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        return tuple(index)


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask and the names that pruning makes.

    >>> Identity().prune(tallow.tensor([5.0, 6.0])).tolist()
    [5.0, 6.0]
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _ByAmount(BasePruningMethod):
    """A method that prunes an `amount`: a number of elements, or a fraction between 0 and 1."""

    amount: Any

    def __init__(self, amount: Any) -> None:
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if float(amount) < 0 or (not isinstance(amount, numbers.Integral) and float(amount) > 1):
            raise ValueError(
                f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer"
            )
        self.amount = amount

    def _count(self, of: int) -> int:
        if not isinstance(self.amount, numbers.Integral):
            return round(self.amount * of)
        if int(self.amount) > of:
            raise ValueError(
                f"amount={self.amount} should be smaller than the number of parameters to prune={of}"
            )
        return int(self.amount)


class _Unstructured(_ByAmount):
    """Prunes the elements of the smallest scores."""

    PRUNING_TYPE = "unstructured"

    def _scores(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = self._count(t.numel())
        mask = default_mask.clone(memory_format=tallow.contiguous_format)
        if count:
            mask.view(-1)[self._scores(t).reshape(-1).topk(count, largest=False)[1]] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Prunes elements at random: ``amount`` of them, or that fraction.

    >>> int((RandomUnstructured(amount=1).prune(tallow.ones(3)) == 0).sum())
    1
    """

    def _scores(self, t: Tensor) -> Tensor:
        return tallow.rand_like(t)


class L1Unstructured(_Unstructured):
    """Prunes the elements of the smallest absolute values: ``amount`` of them, or that fraction.

    >>> L1Unstructured(amount=1).prune(tallow.tensor([3.0, -1.0, 2.0])).tolist()
    [3.0, -0.0, 2.0]
    """

    def _scores(self, t: Tensor) -> Tensor:
        return t.detach().abs()


class _Structured(_ByAmount):
    """Prunes the slices along `dim` of the smallest scores."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _scores(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. "
                f"Found tensor of shape {t.shape} with {t.dim()} dims"
            )
        if self.dim >= t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        size = t.shape[self.dim]
        count = self._count(size)
        if count == 0:
            return default_mask
        mask = tallow.zeros_like(t)
        index: list[Any] = [slice(None)] * t.dim()
        index[self.dim] = self._scores(t).topk(size - count)[1]
        mask[tuple(index)] = 1
        return mask * default_mask.to(mask.dtype)


class RandomStructured(_Structured):
    """Prunes slices along `dim` at random: ``amount`` of them, or that fraction.

    >>> int(RandomStructured(amount=1, dim=0).prune(tallow.ones(2, 2)).sum())
    2
    """

    def _scores(self, t: Tensor) -> Tensor:
        return tallow.rand(t.shape[self.dim])


class LnStructured(_Structured):
    """Prunes the slices along `dim` of the smallest `n`-norms: ``amount`` of them, or that fraction.

    >>> LnStructured(amount=1, n=2, dim=0).prune(tallow.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[0.0, 0.0], [3.0, 4.0]]
    """

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _scores(self, t: Tensor) -> Tensor:
        dim = self.dim % t.dim()
        return t.detach().norm(p=self.n, dim=[d for d in range(t.dim()) if d != dim])


class CustomFromMask(BasePruningMethod):
    """Prunes what is zero in a given mask.

    >>> CustomFromMask(tallow.tensor([0, 1])).prune(tallow.tensor([5.0, 6.0])).tolist()
    [0.0, 6.0]
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(default_mask.dtype)


def identity(module: AnyModule, name: str) -> AnyModule:
    """Give the tensor `name` a mask of ones.

    >>> import tallow
    >>> from tallow import nn
    >>> from tallow.nn.utils import prune
    >>> layer = nn.Linear(2, 2)
    >>> _ = layer.weight.data.copy_(tallow.tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> prune.identity(layer, "weight").weight_mask.tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: AnyModule, name: str, amount: float) -> AnyModule:
    """Prune elements of the tensor `name` at random.

    Args:
        amount: how many, or which fraction if it is a float.

    >>> import tallow
    >>> from tallow import nn
    >>> from tallow.nn.utils import prune
    >>> layer = nn.Linear(2, 2)
    >>> _ = layer.weight.data.copy_(tallow.tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> int(prune.random_unstructured(layer, "weight", amount=1).weight_mask.sum())
    3
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: AnyModule, name: str, amount: float, importance_scores: Tensor | None = None
) -> AnyModule:
    """Prune the elements of the tensor `name` that are smallest in absolute value.

    Args:
        amount: how many, or which fraction if it is a float.
        importance_scores: of the tensor's shape, to compare instead.

    >>> from tallow import nn
    >>> from tallow.nn.utils import prune
    >>> layer = prune.l1_unstructured(nn.Linear(4, 2), "weight", amount=0.5)
    >>> int((layer.weight == 0).sum())
    4
    >>> sorted(layer.state_dict())
    ['bias', 'weight_mask', 'weight_orig']
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: AnyModule, name: str, amount: float, dim: int) -> AnyModule:
    """Prune slices along `dim` of the tensor `name` at random.

    >>> import tallow
    >>> from tallow import nn
    >>> from tallow.nn.utils import prune
    >>> layer = nn.Linear(2, 2)
    >>> _ = layer.weight.data.copy_(tallow.tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> int(prune.random_structured(layer, "weight", amount=1, dim=0).weight_mask.sum())
    2
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: AnyModule, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> AnyModule:
    """Prune the slices along `dim` of the tensor `name` that are smallest in the `n`-norm.

    >>> import tallow
    >>> from tallow import nn
    >>> from tallow.nn.utils import prune
    >>> layer = nn.Linear(2, 2)
    >>> _ = layer.weight.data.copy_(tallow.tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> prune.ln_structured(layer, "weight", amount=1, n=2, dim=0).weight_mask.tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: AnyModule, name: str, mask: Tensor) -> AnyModule:
    """Prune the elements of the tensor `name` where `mask` is 0.

    >>> import tallow
    >>> from tallow import nn
    >>> from tallow.nn.utils import prune
    >>> layer = nn.Linear(2, 2)
    >>> _ = layer.weight.data.copy_(tallow.tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> prune.custom_from_mask(layer, "weight", tallow.eye(2)).weight.tolist()
    [[1.0, 0.0], [0.0, 4.0]]
    """
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several tensors as if they were one.

    Args:
        parameters: (module, name) of each.
        pruning_method: an unstructured method, such as :class:`L1Unstructured`.
        importance_scores: scores by (module, name), to compute the mask from instead of the tensors.
        kwargs: the arguments of the method's constructor.

    Raises:
        TypeError: if `parameters` is not iterable, the scores are no dict, or the method is not unstructured.

    >>> import tallow
    >>> from tallow import nn
    >>> from tallow.nn.utils import prune
    >>> layer = nn.Linear(2, 2)
    >>> _ = layer.weight.data.copy_(tallow.tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> prune.global_unstructured([(layer, "weight")], prune.L1Unstructured, amount=3)
    >>> layer.weight_mask.tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    tensors = [getattr(module, name) for module, name in pairs]
    masks: list[Tensor] = [
        getattr(module, name + "_mask") if hasattr(module, name + "_mask") else tallow.ones_like(tensor)
        for (module, name), tensor in zip(pairs, tensors, strict=True)
    ]
    method: Any = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    method._tensor_name = "all"
    container = PruningContainer(method)
    values = parameters_to_vector(scores.get(pair, tensor) for pair, tensor in zip(pairs, tensors, strict=True))
    mask = container.compute_mask(values.detach(), parameters_to_vector(masks))
    for (module, name), part in zip(pairs, mask.split([t.numel() for t in tensors]), strict=True):
        custom_from_mask(module, name, part.reshape(getattr(module, name).shape))


def remove(module: AnyModule, name: str) -> AnyModule:
    """Make the pruned tensor `name` an ordinary parameter again, with its zeros.

    Raises:
        ValueError: if it was not pruned.

    >>> import tallow
    >>> from tallow import nn
    >>> from tallow.nn.utils import prune
    >>> layer = nn.Linear(2, 2)
    >>> _ = layer.weight.data.copy_(tallow.tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> _ = prune.remove(prune.l1_unstructured(layer, "weight", amount=1), "weight")
    >>> layer.weight.tolist(), list(layer.state_dict())
    ([[0.0, 2.0], [3.0, 4.0]], ['bias', 'weight'])
    """
    method = remove_hook(module, BasePruningMethod, name, "_tensor_name")
    if method is None:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    method.remove(module)
    return module


def is_pruned(module: Module) -> bool:
    """Whether a tensor of the module, or of one below it, is pruned.

    >>> from tallow import nn
    >>> nn.utils.prune.is_pruned(nn.Linear(2, 2))
    False
    """
    return any(
        isinstance(hook, BasePruningMethod)
        for submodule in module.modules()
        for hook in submodule._forward_pre_hooks.values()
    )
