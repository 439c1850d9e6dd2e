"""Relative pose of two images from weighted matches: sampling, five points, local refinement."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.matching.epipolar_error import sampson_squared
from denseba_ros.matching.sampling import draw_samples, take
from denseba_ros.solvers.essential_manifold import epipolar_slope, essential_tangent
from denseba_ros.solvers.five_point import five_point, homogeneous

# Of so many samples the best by cost are refined, each by so many steps: within how many thresholds
# a match counts in each of them.
_REFINED = 8
_WIDENINGS = (4.0, 4.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0)


@dataclass(frozen=True)
class RelativePose:
    """``E`` (3, 3) of length one, ``T_second_first`` (4, 4) with a translation of length one and
    ``inliers`` (M,)."""

    E: Tensor
    T_second_first: Tensor
    inliers: Tensor


def relative_pose(
    first: Tensor,
    second: Tensor,
    logits: Tensor,
    samples: int,
    threshold: float,
    generator: torch.Generator,
) -> RelativePose | None:
    """Best of ``samples`` five-point samples drawn by ``logits`` (M,), refined on its inliers.

    The logits are logarithms of the matches' weights, up to 0, which also count in the choice and
    in the refinement. ``first`` and ``second`` (M, 2) are normalised image coordinates,
    ``threshold`` the largest Sampson distance of an inlier in the same unit. None where no sample
    has a solution.
    """
    if len(first) < 5:
        return None
    index, _ = draw_samples(logits[None], samples, 5, generator)
    a, b = take(first[None], index)[0], take(second[None], index)[0]
    values, ok = five_point(a, b)
    E = values[ok]
    if not len(E):
        return None
    problem = _Weighted(homogeneous(first), homogeneous(second), logits.double().exp(), threshold)
    best = problem.cost(E, threshold).topk(min(_REFINED, len(E)), largest=False).indices
    E = problem.refined(E[best])
    E = E[int(problem.cost(E, threshold).argmin())]
    inliers = sampson_squared(E, problem.first, problem.second) < threshold**2
    pose = choose_pose(E, problem.first[inliers], problem.second[inliers])
    return RelativePose(E, pose, inliers)


@dataclass(frozen=True)
class _Weighted:
    """Homogeneous matches (M, 3) with weights (M,) and the threshold of an inlier."""

    first: Tensor
    second: Tensor
    weights: Tensor
    threshold: float

    def cost(self, E: Tensor, threshold: float) -> Tensor:
        """(H,) weighted sum of squared Sampson distances capped at a threshold (MSAC: Torr,
        Zisserman, "MLESAC", 2000) of matrices (H, 3, 3)."""
        squared = sampson_squared(E, self.first, self.second)
        return (self.weights * squared.clamp(max=threshold**2)).sum(-1)

    def refined(self, E: Tensor) -> Tensor:
        """Gauss-Newton on the Sampson distances of E (H, 3, 3) over the manifold, with weights
        that fall to zero at a threshold (Tukey), which shrinks; a step that costs more is
        refused."""
        slope = epipolar_slope(self.first, self.second).flatten(1)
        for widening in _WIDENINGS:
            threshold = widening * self.threshold
            moved = nearest_essential(E + self._step(E, slope, threshold))
            better = self.cost(moved, threshold) < self.cost(E, threshold)
            E = torch.where(better[:, None, None], moved, E)
        return E

    def _step(self, E: Tensor, slope: Tensor, threshold: float) -> Tensor:
        """(H, 3, 3) to the minimum of the linearised problem, nothing where that is singular."""
        directions = essential_tangent(E)
        residual = E.flatten(1) @ slope.T
        squared = sampson_squared(E, self.first, self.second)
        size = residual.square() / squared.clamp(min=1e-30)
        robust = self.weights * (1 - squared / threshold**2).clamp(min=0).square()
        weight = robust / size.clamp(min=1e-12)
        J = slope @ directions.flatten(2).mT
        weighted = (J * weight[..., None]).mT
        H = weighted @ J
        eye = torch.eye(5, dtype=H.dtype, device=H.device)
        damping = 1e-9 * H.diagonal(dim1=1, dim2=2).sum(-1)[:, None, None] * eye
        step, info = torch.linalg.solve_ex(H + damping, -weighted @ residual[..., None])
        step = torch.where((info == 0)[:, None, None], step, 0.0)
        return (step[..., None] * directions).sum(1)


def nearest_essential(E: Tensor) -> Tensor:
    """Essential matrices of length one nearest to matrices (..., 3, 3)."""
    U, _, Vh = torch.linalg.svd(torch.nan_to_num(E))
    nearest: Tensor = U[..., :2] @ Vh[..., :2, :] * 0.5**0.5
    return nearest


def choose_pose(E: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The one of the four motions (4, 4) of E that has most points in front of both cameras."""
    U, _, Vh = torch.linalg.svd(E)
    U, Vh = U * torch.det(U).sign(), Vh * torch.det(Vh).sign()
    W = E.new_tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    best, most = torch.eye(4, dtype=E.dtype, device=E.device), -1
    for R in (U @ W @ Vh, U @ W.T @ Vh):
        for t in (U[:, 2], -U[:, 2]):
            count = int(_in_front(R, t, first, second).sum())
            if count > most:
                most = count
                best = torch.eye(4, dtype=E.dtype, device=E.device)
                best[:3, :3], best[:3, 3] = R, t
    return best


def _in_front(R: Tensor, t: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """(M,) whether the rays meet in front of both cameras (midpoint in closed form)."""
    turned = first @ R.T
    # z2 second = z1 turned + t; crossing with either ray leaves the other's depth.
    normal = torch.linalg.cross(turned, second)
    z1 = -(torch.linalg.cross(t.expand_as(second), second) * normal).sum(-1)
    z2 = (torch.linalg.cross(turned, t.expand_as(turned)) * normal).sum(-1)
    in_front: Tensor = (z1 > 0) & (z2 > 0)
    return in_front
