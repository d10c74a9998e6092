"""The normal distribution of vectors whose covariance is a diagonal plus a matrix of low rank."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import tallow
from tallow import Tensor, linalg

from .distribution import POSITIVE, REAL, Distribution


class LowRankMultivariateNormal(Distribution):
    """Vectors with mean ``loc`` and covariance ``cov_factor @ cov_factor.mT + diag(cov_diag)``.

    Nothing larger than ``(rank, rank)`` is factored: Woodbury's identity gives the inverse, the lemma of the same form
    the determinant (Rasmussen and Williams, "Gaussian processes for machine learning", 2006, A.3).

    Args:
        loc: ``(*, D)``.
        cov_factor: ``(*, D, rank)``.
        cov_diag: ``(*, D)``, positive.

    Raises:
        ValueError: a shape does not fit the others.

    Example:
        >>> import tallow
        >>> d = LowRankMultivariateNormal(tallow.zeros(2), tallow.tensor([[1.0], [0.0]]), tallow.ones(2))
        >>> d.covariance_matrix
        tensor([[2., 0.],
                [0., 1.]])
    """

    arg_constraints = {"loc": REAL, "cov_factor": REAL, "cov_diag": POSITIVE}
    _event_dims = {"loc": 1, "cov_factor": 2, "cov_diag": 1}
    has_rsample = True
    support = REAL  # type: ignore[assignment]

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        event = loc.shape[-1:]
        if cov_factor.shape[-2:-1] != event:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
        if cov_diag.shape[-1:] != event:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event}")
        try:
            batch = tallow.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc = loc.expand([*batch, *event])
        self.cov_factor = cov_factor.expand([*batch, *cov_factor.shape[-2:]])
        self.cov_diag = cov_diag.expand([*batch, *event])
        super().__init__(batch, event, validate_args=validate_args)

    @cached_property
    def _weighted(self) -> Tensor:
        """The transposed factor times the inverse of the diagonal."""
        return self.cov_factor.mT / self.cov_diag.unsqueeze(-2)

    @cached_property
    def _capacitance(self) -> Tensor:
        """The Cholesky factor of ``1 + W^T D^-1 W``."""
        inner = self._weighted @ self.cov_factor
        return linalg.cholesky(inner + tallow.eye(inner.shape[-1], dtype=inner.dtype, device=inner.device))

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @cached_property
    def variance(self) -> Tensor:  # type: ignore[override]
        return self.cov_factor.square().sum(-1) + self.cov_diag

    @cached_property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factor of the covariance."""
        return linalg.cholesky(self.covariance_matrix)

    @cached_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return self.cov_factor @ self.cov_factor.mT + tallow.diag_embed(self.cov_diag)

    @cached_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        half = linalg.solve_triangular(self._capacitance, self._weighted, upper=False)
        return tallow.diag_embed(self.cov_diag.reciprocal()) - half.mT @ half

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        dtype, device = self.loc.dtype, self.loc.device
        common = tallow.randn([*shape[:-1], self.cov_factor.shape[-1], 1], dtype=dtype, device=device)
        own = tallow.randn(shape, dtype=dtype, device=device)
        return self.loc + (self.cov_factor @ common).squeeze(-1) + self.cov_diag.sqrt() * own

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        difference = value - self.loc
        inner = (self._weighted @ difference.unsqueeze(-1)).expand([*difference.shape[:-1], -1, 1])
        factor = self._capacitance.expand([*difference.shape[:-1], *self._capacitance.shape[-2:]])
        solved = linalg.solve_triangular(factor, inner, upper=False)
        distance = (difference.square() / self.cov_diag).sum(-1) - solved.square().sum((-2, -1))
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + distance) - self._half_log_det()

    def entropy(self) -> Tensor:
        size = self._event_shape[0]
        return (0.5 * size * (1 + math.log(2 * math.pi)) + self._half_log_det()).expand(self._batch_shape)

    def _half_log_det(self) -> Tensor:
        inner = self._capacitance.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return inner + 0.5 * self.cov_diag.log().sum(-1)
