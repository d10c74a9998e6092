"""Ready-made parametrizations: weight and spectral normalisation, orthogonal matrices."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import Tensor

from .. import functional as F
from ..modules.module import Module
from .parametrize import register_parametrization
from .spectral_norm import as_matrix, default_dim
from .weight_norm import norm_except_dim, normalized_weight

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return normalized_weight(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train a weight's length and direction apart (Salimans and Kingma, 2016): ``weight = g * v / |v|``.

    Args:
        module: owns the tensor.
        name: the tensor's name. Default: "weight".
        dim: there is a length for every index of this dimension; None for one of the whole tensor. Default: 0.

    >>> from tallow import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))
    >>> [tuple(p.shape) for p in layer.parametrizations.weight.parameters()]
    [(3, 1), (3, 4)]
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def read_old_names(state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(read_old_names)
    return module


class _SpectralNorm(Module):
    """Divides by the largest singular value, which a few steps of the power method follow during training."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        ndim = weight.dim()
        if not -ndim <= dim < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            for buffer, size in zip(("_u", "_v"), matrix.shape, strict=True):
                self.register_buffer(buffer, F.normalize(matrix.new_empty(size).normal_(0, 1), dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _power_method(self, matrix: Tensor, steps: int) -> None:
        with tallow.no_grad():
            for _ in range(steps):
                self._u.copy_(F.normalize(matrix.mv(self._v), dim=0, eps=self.eps))
                self._v.copy_(F.normalize(matrix.mT.mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        # Copies: another forward before the backward changes the buffers.
        u, v = self._u.clone(), self._v.clone()
        return weight / u.dot(matrix.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value  # the value that was assigned is what is normalised from now on


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value (Miyato et al., 2018).

    Args:
        module: owns the tensor.
        name: the tensor's name. Default: "weight".
        n_power_iterations: steps of the power method at each forward in training. Default: 1.
        eps: what norms count at least. Default: 1e-12.
        dim: which dimension the matrix's rows are; by default 1 for transposed convolutions and 0 for all others.

    >>> import tallow
    >>> from tallow import nn
    >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3))
    >>> sorted(layer.parametrizations.weight[0].state_dict())
    ['_u', '_v']
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    dim = default_dim(module) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


_MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    """Orthonormal columns (rows, if there are fewer), from any matrix (Lezcano-Casado, 2019)."""

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        transposed = x.size(-2) < x.size(-1)
        if transposed:
            x = x.mH
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            vectors = x.tril(-1)
            # The first element of each vector is 1.
            tau = 2.0 / (1.0 + (vectors * vectors).sum(-2))
            q = tallow.linalg.householder_product(x, tau)
            q = q * x.diagonal(dim1=-2, dim2=-1).detach().trunc().unsqueeze(-2)  # signs of the columns
        else:
            lower = x.tril()
            if n != k:
                lower = tallow.cat([lower, lower.new_zeros((*x.shape[:-2], n, n - k))], -1)
            skew = lower - lower.mH
            q = (tallow.matrix_exp(skew) if self.orthogonal_map == "matrix_exp" else _cayley(skew))[..., :k]
        base = getattr(self, "base", None)
        if base is not None:
            q = base @ q
        return q.mH if transposed else q

    def right_inverse(self, q: Tensor) -> Tensor:
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}."
            )
        with tallow.no_grad():
            transposed = q.size(-2) < q.size(-1)
            tall = q.mH if transposed else q
            if not hasattr(self, "base"):
                packed = self._reflections(tall)
                return packed.mT if transposed else packed
            # The base moves to the value; what is trained starts at the map's origin.
            n, k = tall.shape[-2:]
            if n != k:
                more = tallow.randn((*tall.shape[:-2], n, n - k), dtype=q.dtype, device=q.device)
                tall = tallow.cat([tall, more], -1)
            self.base = tall.clone() if n == k and _is_orthogonal(tall) else _orthogonalized(tall)
            origin = tallow.zeros_like(q)
            origin.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return origin

    def _reflections(self, q: Tensor) -> Tensor:
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        packed, tau = tallow.geqrf(q)
        diagonal = packed.diagonal(dim1=-2, dim2=-1)
        signs = diagonal.sign()
        diagonal.copy_(tallow.where(tau == 0, -signs, signs))
        return packed


def _orthogonalized(a: Tensor) -> Tensor:
    """Q of ``a = Q R`` with a positive diagonal of R."""
    q, r = tallow.linalg.qr(a)
    return q * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _cayley(a: Tensor) -> Tensor:
    """``(1 - a/2)^-1 (1 + a/2)``, which is orthogonal for a skew-symmetric `a`."""
    identity = tallow.eye(a.size(-1), dtype=a.dtype, device=a.device)
    return tallow.linalg.solve(identity - a / 2, identity + a / 2)


def _is_orthogonal(q: Tensor) -> bool:
    identity = tallow.eye(q.size(-1), dtype=q.dtype, device=q.device)
    return tallow.allclose(q.mH @ q, identity.expand(q.shape), atol=10 * q.size(-2) * tallow.finfo(q.dtype).eps)


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep a matrix, or a batch of them, orthogonal while it is trained.

    Args:
        module: owns the tensor.
        name: the tensor's name. Default: "weight".
        orthogonal_map: "matrix_exp" (the default for square matrices), "cayley" or "householder" (for others).
        use_trivialization: keep the value at registration as a base that the map's result is multiplied with; without
            it the first two maps cannot be assigned to. Default: True.

    Raises:
        ValueError: if the tensor is missing or has fewer than 2 dimensions, or the map is unknown.

    >>> import tallow
    >>> from tallow import nn
    >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(5, 3))
    >>> tallow.allclose(layer.weight @ layer.weight.mT, tallow.eye(3), atol=1e-5)
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.dim() < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.size(-2) == weight.size(-1) or weight.is_complex() else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    parametrization = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, parametrization, unsafe=True)
