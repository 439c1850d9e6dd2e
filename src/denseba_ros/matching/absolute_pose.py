"""Pose of an image in a map of points, from weighted matches: sampling, P3P, local refinement."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.geometry import se3
from denseba_ros.matching.sampling import draw_samples, take
from denseba_ros.solvers.five_point import homogeneous
from denseba_ros.solvers.p3p import p3p

_REFINEMENTS = 10
_MIN_DEPTH = 1e-6


@dataclass(frozen=True)
class AbsolutePose:
    """``T_camera_points`` (4, 4) float64 and ``inliers`` (M,)."""

    T_camera_points: Tensor
    inliers: Tensor


def absolute_pose(
    points: Tensor,
    places: Tensor,
    logits: Tensor,
    samples: int,
    threshold: float,
    generator: torch.Generator,
) -> AbsolutePose | None:
    """Best of ``samples`` triples drawn by ``logits`` (M,), refined on its inliers.

    The logits are logarithms of the matches' weights, up to 0, which also count in the choice and
    in the refinement. ``points`` (M, 3) are seen at ``places`` (M, 2) in normalised image
    coordinates; ``threshold`` is the largest error of an inlier in the same unit. None where no
    sample has a solution.
    """
    if len(points) < 4:
        return None
    X, x = points.double(), places.double()
    index, _ = draw_samples(logits[None], samples, 3, generator)
    rays = F.normalize(homogeneous(x), dim=-1)
    values, ok = p3p(take(X[None], index)[0], take(rays[None], index)[0])
    T = values[ok]
    if not len(T):
        return None
    weights = logits.double().exp()
    # Single precision is enough to choose by, in a third of the time.
    squared = _squared_errors(T.float(), X.float(), x.float()).clamp_(max=threshold**2)
    best = _refined(T[int((squared @ weights.float()).argmin())], X, x, weights, threshold)
    return AbsolutePose(best, _squared_errors(best, X, x) < threshold**2)


def _squared_errors(T: Tensor, X: Tensor, x: Tensor) -> Tensor:
    """(..., M) squared distances in the image for poses (..., 4, 4); infinite behind the camera."""
    Y = X @ T[..., :3, :3].mT + T[..., None, :3, 3]
    depth = Y[..., 2:]
    squared = (Y[..., :2] / depth.clamp(min=_MIN_DEPTH) - x).square().sum(-1)
    return squared.masked_fill(depth[..., 0] < _MIN_DEPTH, torch.inf)


def _refined(T: Tensor, X: Tensor, x: Tensor, weights: Tensor, threshold: float) -> Tensor:
    """Gauss-Newton on the image errors with weights that fall to zero at the threshold (Tukey), up
    to the first step that costs more."""
    cost = weights @ _squared_errors(T, X, x).clamp(max=threshold**2)
    for _ in range(_REFINEMENTS):
        Y = X @ T[:3, :3].T + T[:3, 3]
        inverse = 1.0 / Y[:, 2].clamp(min=_MIN_DEPTH)
        projected = Y[:, :2] * inverse[:, None]
        near = (1 - _squared_errors(T, X, x) / threshold**2).clamp(min=0).square()
        weight = weights * near
        J = _jacobian(projected, inverse)
        residual = projected - x
        weighted = J * weight[:, None, None]
        H = torch.einsum("mri,mrj->ij", weighted, J)
        g = torch.einsum("mri,mr->i", weighted, residual)
        step, info = torch.linalg.solve_ex(H, -g)
        moved = se3.exp(torch.nan_to_num(step)) @ T
        after = weights @ _squared_errors(moved, X, x).clamp(max=threshold**2)
        if info != 0 or not after < cost:
            break
        T, cost = moved, after
    return se3.orthonormalised(T)


def _jacobian(projected: Tensor, inverse: Tensor) -> Tensor:
    """(M, 2, 6) derivative of the place by a left step (translation, rotation) of the pose."""
    u, v = projected.unbind(-1)
    zero, one = torch.zeros_like(u), torch.ones_like(u)
    first = [inverse, zero, -u * inverse, -u * v, one + u * u, -v]
    second = [zero, inverse, -v * inverse, -one - v * v, u * v, u]
    return torch.stack([torch.stack(first, -1), torch.stack(second, -1)], 1)
