"""Relative pose of two images from weighted matches: sampling, five points, local refinement."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.matching.epipolar_error import sampson_squared
from denseba_ros.matching.sampling import draw_samples, take
from denseba_ros.solvers.essential_manifold import epipolar_slope, essential_tangent
from denseba_ros.solvers.five_point import five_point, homogeneous

_REFINEMENTS = 8


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

    ``first`` and ``second`` (M, 2) are normalised image coordinates, ``threshold`` the largest
    Sampson distance of an inlier in the same unit. None where no sample has a solution.
    """
    if len(first) < 5:
        return None
    index, _ = draw_samples(logits[None], samples, 5, generator)
    a, b = take(first[None], index)[0], take(second[None], index)[0]
    values, ok = five_point(a, b)
    E = values[ok]
    if not len(E):
        return None
    rays, seen = homogeneous(first), homogeneous(second)
    E = E[int(truncated_cost(E, rays, seen, threshold).argmin())]
    E = refine_essential(E, rays, seen, threshold)
    inliers = sampson_squared(E, rays, seen) < threshold**2
    return RelativePose(E, choose_pose(E, rays[inliers], seen[inliers]), inliers)


def truncated_cost(E: Tensor, first: Tensor, second: Tensor, threshold: float) -> Tensor:
    """(H,) sum of squared Sampson distances capped at the threshold (MSAC: Torr, Zisserman,
    "MLESAC", 2000) of matrices (H, 3, 3)."""
    return sampson_squared(E, first, second).clamp(max=threshold**2).sum(-1)


def refine_essential(E: Tensor, first: Tensor, second: Tensor, threshold: float) -> Tensor:
    """Gauss-Newton on the Sampson distances of E (3, 3) over the manifold, with weights that fall
    to zero at the threshold (Tukey); a step that costs more is refused."""
    slope = epipolar_slope(first, second).flatten(1)
    cost = truncated_cost(E[None], first, second, threshold)
    for _ in range(_REFINEMENTS):
        directions = essential_tangent(E[None])[0]
        residual = slope @ E.flatten()
        squared = sampson_squared(E, first, second)
        size = residual.square() / squared.clamp(min=1e-30)
        weight = (1 - squared / threshold**2).clamp(min=0).square() / size.clamp(min=1e-12)
        J = slope @ directions.flatten(1).T
        H = (J * weight[:, None]).T @ J
        damping = 1e-9 * H.diagonal().sum() * torch.eye(5, dtype=H.dtype, device=H.device)
        step, info = torch.linalg.solve_ex(H + damping, -(J * weight[:, None]).T @ residual)
        moved = nearest_essential(E + (step[:, None, None] * directions).sum(0))
        after = truncated_cost(moved[None], first, second, threshold)
        better = (info == 0) & (after < cost)
        E = torch.where(better, moved, E)
        cost = torch.where(better, after, cost)
    return E


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
