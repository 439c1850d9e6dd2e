"""The essential matrix that fits weighted matches best, with its gradient by the weights."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.matching.epipolar_error import sampson_squared
from denseba_ros.matching.relative_pose import nearest_essential
from denseba_ros.solvers.essential_manifold import epipolar_slope, essential_tangent
from denseba_ros.solvers.implicit import implicit_solve

_ITERATIONS = 20
# Largest last step, for matrices of length one.
_REST = 1e-4


def weighted_essential(first: Tensor, second: Tensor, weights: Tensor, start: Tensor) -> Tensor:
    """E (B, 3, 3) near ``start`` with the least weighted sum of squared epipolar residuals.

    ``first`` and ``second`` (B, M, 3) are homogeneous, ``weights`` (B, M). Residuals are divided
    by their Sampson size at the start. The gradient reaches the weights, by the implicit function
    theorem on the vanishing derivative of the sum; where the iterations did not come to rest it is
    zero.
    """
    with torch.no_grad():
        slope = epipolar_slope(first, second).double()
        residual = (slope * start[:, None]).sum((-1, -2))
        size = residual.square() / sampson_squared(start, first, second).clamp(min=1e-30)
        slope = slope / size.clamp(min=1e-12).sqrt()[..., None, None]
        E, rest = _minimise(slope, weights.double(), start.double())
    solved = implicit_solve(_stationarity, (slope, weights.double()), E, essential_tangent)
    return torch.where(rest[:, None, None], solved, E)


def _minimise(slope: Tensor, weights: Tensor, E: Tensor) -> tuple[Tensor, Tensor]:
    """Gauss-Newton over the manifold, and (B,) whether the last step was nearly nothing."""
    rest = torch.zeros(len(E), dtype=torch.bool, device=E.device)
    for _ in range(_ITERATIONS):
        J = slope.flatten(2) @ essential_tangent(E).flatten(2).mT
        residual = (slope * E[:, None]).sum((-1, -2))
        weighted = J * weights[..., None]
        H = weighted.mT @ J
        trace = H.diagonal(dim1=-2, dim2=-1).sum(-1)[:, None, None]
        eye = torch.eye(5, dtype=H.dtype, device=H.device)
        g = weighted.mT @ residual[..., None]
        step, _ = torch.linalg.solve_ex(H + 1e-12 * trace * eye, -g)
        E = nearest_essential(E + (step[..., None] * essential_tangent(E)).sum(1))
        rest = torch.linalg.vector_norm(step[..., 0], dim=-1) < _REST
    return E, rest


def _stationarity(slope: Tensor, weights: Tensor, E: Tensor) -> Tensor:
    """(B, 5) derivatives of the weighted sum along the manifold."""
    residual = (slope * E[:, None]).sum((-1, -2))
    gradient = ((weights * residual)[..., None, None] * slope).sum(1)
    return (essential_tangent(E) * gradient[:, None]).sum((-1, -2))
