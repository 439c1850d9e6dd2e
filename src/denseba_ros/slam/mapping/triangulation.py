"""Triangulation of a keyframe's corners from their observations, with fixed poses."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole, project, projection_jacobians

# An observation farther than this from the projection (pixels) is an outlier.
_MAX_ERROR = 2.5
_ITERATIONS = 3
# Least relative standard deviation of a triangulated corner.
_MIN_SIGMA = 0.01


def triangulate(camera: Pinhole, keyframe: WindowKeyframe, others: list[WindowKeyframe]) -> None:
    """Triangulate the corners of ``keyframe`` from their observations in ``others``.

    A corner takes the new inverse depth where its relative standard deviation is smaller than the
    present one. Outliers are removed from the keyframe's observations. ``camera`` of level 0.

    The projection x = (R ray + t d) / z is linear in the inverse depth d once multiplied by z, so
    each round is a weighted linear least-squares problem (Hartley, Zisserman, "Multiple view
    geometry", 2004, section 12.2).
    """
    points, f = keyframe.points, keyframe.points.corners
    rays = camera.rays(points.pixels[:f])[None]
    T = torch.stack([o.T @ se3.inverse(keyframe.T) for o in others]).to(rays.dtype)[:, None]
    R, t = T[..., :3, :3], T[..., :3, 3]
    observed_pixels = torch.stack([keyframe.observed[o.id][0] for o in others])
    is_tracked = torch.stack([keyframe.observed[o.id][1] for o in others])
    rotated = (R @ rays[..., None])[..., 0]
    a, b = _linear_equations(camera, rotated, t, observed_pixels)
    d, good = points.inverse_depth[:f], is_tracked
    for _ in range(_ITERATIONS):
        z = (rotated[..., 2] + t[..., 2] * d).clamp(min=0.05)
        weight = good / z**2
        information = (weight * (b**2).sum(-1)).sum(0)
        solved = -(weight * (a * b).sum(-1)).sum(0) / information.clamp(min=1e-12)
        d = torch.where((information > 0) & (solved > 0), solved, d)
        p = project(camera, rays, d[None], R, t)
        error = torch.linalg.vector_norm(p.pixels - observed_pixels, dim=-1)
        good = is_tracked & (error < _MAX_ERROR) & p.in_front
    J = projection_jacobians(camera, p, t)[1]
    information = (good * (J**2).sum(-1)).sum(0)
    sigma = (information.clamp(min=1e-12).rsqrt() / d.clamp(min=1e-6)).clamp(min=_MIN_SIGMA)
    better = good.any(0) & (sigma < points.relative_sigma[:f])
    points.inverse_depth[:f] = torch.where(better, d, points.inverse_depth[:f])
    points.relative_sigma[:f] = torch.where(better, sigma, points.relative_sigma[:f])
    for k, other in enumerate(others):
        keyframe.observed[other.id] = (observed_pixels[k], good[k])


def _linear_equations(
    camera: Pinhole, rotated: Tensor, t: Tensor, observed_pixels: Tensor
) -> tuple[Tensor, Tensor]:
    """a, b (K, F, 2) of a + b d = 0, in pixels times z: rays ``rotated`` (K, F, 3) into images with
    translation ``t`` (K, 1, 3) that observe the corner at ``observed_pixels`` (K, F, 2)."""
    observed = camera.rays(observed_pixels)[..., :2]
    focal = rotated.new_tensor([camera.fx, camera.fy])
    a = (rotated[..., :2] - observed * rotated[..., 2:]) * focal
    b = (t[..., :2] - observed * t[..., 2:]) * focal
    return a, b
