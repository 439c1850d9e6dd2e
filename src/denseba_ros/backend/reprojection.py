"""Reprojection residual of observed corners, by the inverse depth of their own pixel.

Robust where brightness constancy is not, with a wider basin of convergence; the unknowns are those
of the photometric patches, so both are in one Schur complement.
"""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.photometric import relative_poses
from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.geometry.pinhole import project


def corner_residual(problem: Problem, variables: Variables) -> tuple[Tensor, Tensor]:
    """Projected minus observed corner (G, K, F, 2) in working pixels, and (G, K, F) bool whether
    it counts: observed, valid and in front of the target."""
    f = problem.observed.shape[2]
    T = relative_poses(variables.T, problem.hosts).to(variables.inverse_depth.dtype)[:, :, None]
    rays = problem.camera.rays(problem.pixels[:, :f])[:, None]
    projected = project(
        problem.camera, rays, variables.inverse_depth[:, None, :f], T[..., :3, :3], T[..., :3, 3]
    )
    ok = problem.observed_ok & projected.in_front & problem.valid[:, None, :f]
    return projected.pixels - problem.observed, ok


def corner_weights(problem: Problem, residual: Tensor, ok: Tensor) -> tuple[Tensor, Tensor]:
    """Huber weight over the variance and capped energy, each (G, K, F).

    ``residual`` (G, K, F, 2) working pixels and ``ok`` (G, K, F) bool as of ``corner_residual``.
    """
    noise = problem.noise
    size = torch.linalg.vector_norm(residual, dim=-1) / noise.pixel
    inlier = ok & (size < noise.pixel_cutoff)
    weight = noise.huber / size.clamp(min=noise.huber) / noise.pixel**2
    clipped = size.clamp(max=noise.pixel_cutoff)
    linear = noise.huber * (clipped - 0.5 * noise.huber)
    energy = torch.where(clipped < noise.huber, 0.5 * clipped**2, linear)
    return weight * inlier, energy * ok


def corner_information(problem: Problem, variables: Variables, level: int) -> tuple[Tensor, Tensor]:
    """Information (G, K, F, 2, 2) and gradient (G, K, F, 2) of the pixel in units of ``level``."""
    residual, ok = corner_residual(problem, variables)
    weight, _ = corner_weights(problem, residual, ok)
    scale = float(1 << level)  # working pixels per pixel of the level
    eye = torch.eye(2, device=residual.device)
    M = (weight * scale * scale)[..., None, None] * eye
    return M, (weight * scale)[..., None] * residual
