"""The normal distribution of vectors."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import tallow
from tallow import Tensor

from .distribution import REAL, Constraint, Distribution

_SYMMETRIC = Constraint(
    "PositiveDefinite()", lambda x: (tallow.linalg.cholesky_ex(x)[1] == 0) & ((x - x.mT).abs() < 1e-6).all(-1).all(-1)
)
_LOWER = Constraint(
    "LowerCholesky()", lambda x: (x.tril() == x).all(-1).all(-1) & (x.diagonal(dim1=-2, dim2=-1) > 0).all(-1)
)


class MultivariateNormal(Distribution):
    """Vectors with mean ``loc``, and their covariance by one of three matrices.

    Args:
        loc: ``(*, D)``.
        covariance_matrix: ``(*, D, D)``; or
        precision_matrix: its inverse; or
        scale_tril: its lower Cholesky factor, which is what is computed with.

    Raises:
        ValueError: unless exactly one matrix is given; for a scalar ``loc`` or a matrix of fewer than two dimensions.

    Example:
        >>> import tallow
        >>> d = MultivariateNormal(tallow.zeros(2), tallow.eye(2))
        >>> d.log_prob(tallow.zeros(2))
        tensor(-1.8379)
    """

    arg_constraints = {
        "loc": REAL, "covariance_matrix": _SYMMETRIC, "precision_matrix": _SYMMETRIC, "scale_tril": _LOWER,
    }  # fmt: skip
    has_rsample = True
    support = REAL  # type: ignore[assignment]

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = {name: matrix for name, matrix in matrices.items() if matrix is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch = tallow.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand([*batch, loc.shape[-1]])
        setattr(self, name, matrix.expand([*batch, *matrix.shape[-2:]]))
        super().__init__(batch, loc.shape[-1:], validate_args=validate_args)
        if name == "covariance_matrix":
            self._unbroadcasted_scale_tril = tallow.linalg.cholesky(matrix)
        elif name == "precision_matrix":
            self._unbroadcasted_scale_tril = _factor_of_inverse(matrix)
        else:
            self._unbroadcasted_scale_tril = matrix

    def expand(self, batch_shape: Any, _instance: Any = None) -> MultivariateNormal:
        size = self._event_shape[0]
        loc = self.loc.expand([*batch_shape, size])
        new = type(self)(loc, scale_tril=self.scale_tril.expand([*batch_shape, size, size]), validate_args=False)
        new._validate_args = self._validate_args
        return new

    @cached_property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factor of the covariance."""
        return self._square(self._unbroadcasted_scale_tril)

    @cached_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        factor = self._unbroadcasted_scale_tril
        return self._square(factor @ factor.mT)

    @cached_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        inverse = _inverse_of_lower(self._unbroadcasted_scale_tril)
        return self._square(inverse.mT @ inverse)

    def _square(self, matrix: Tensor) -> Tensor:
        return matrix.expand([*self._batch_shape, *self._event_shape, *self._event_shape])

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        squares = (self._unbroadcasted_scale_tril**2).sum(-1)
        return squares.expand([*self._batch_shape, *self._event_shape])

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        noise = tallow.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + (self._unbroadcasted_scale_tril @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        distance = mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        size = self._event_shape[0]
        return -0.5 * (size * math.log(2 * math.pi) + distance) - self._half_log_det()

    def entropy(self) -> Tensor:
        size = self._event_shape[0]
        return (0.5 * size * (1 + math.log(2 * math.pi)) + self._half_log_det()).expand(self._batch_shape)

    def _half_log_det(self) -> Tensor:
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def __repr__(self) -> str:
        names = [name for name in self.arg_constraints if name in self.__dict__]
        return f"{type(self).__name__}({', '.join(f'{name}: {getattr(self, name).size()}' for name in names)})"


def mahalanobis(factor: Tensor, difference: Tensor) -> Tensor:
    """The squared length of the difference (*, D) in units of the covariance with this lower factor (*, D, D)."""
    batch = tallow.broadcast_shapes(factor.shape[:-2], difference.shape[:-1])
    size = factor.shape[-1]
    column = difference.expand([*batch, size]).unsqueeze(-1)
    solved = tallow.linalg.solve_triangular(factor.expand([*batch, size, size]), column, upper=False)
    return solved.squeeze(-1).square().sum(-1)


def _inverse_of_lower(factor: Tensor) -> Tensor:
    identity = tallow.eye(factor.shape[-1], dtype=factor.dtype, device=factor.device)
    return tallow.linalg.solve_triangular(factor, identity.expand(factor.shape), upper=False)


def _factor_of_inverse(matrix: Tensor) -> Tensor:
    """The lower Cholesky factor of the inverse, by the factor of the matrix read from its end."""
    flipped = tallow.linalg.cholesky(matrix.flip(-2, -1))
    return _inverse_of_lower(flipped.flip(-2, -1).mT)
