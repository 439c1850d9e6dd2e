"""Pinhole projection of points with an inverse depth, and its derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.projection_loops import project_points

# Points nearer than this in the target camera (relative to 1/inverse depth units) do not project.
MIN_DEPTH_RATIO = 1e-2


@dataclass(frozen=True)
class Pinhole:
    """Undistorted intrinsics of one pyramid level, pixels; (0, 0) is the first pixel's centre."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    @classmethod
    def from_calibration(cls, calibration: Calibration) -> Pinhole:
        """The camera of a calibration; its distortion is left out, for rectified images."""
        c = calibration
        return cls(c.fx, c.fy, c.cx, c.cy, c.width, c.height)

    def level(self, level: int) -> Pinhole:
        """The camera after ``level`` halvings by averaging 2x2 pixels (odd borders cut off)."""
        s = 1.0 / (1 << level)
        return Pinhole(
            self.fx * s,
            self.fy * s,
            (self.cx + 0.5) * s - 0.5,
            (self.cy + 0.5) * s - 0.5,
            self.width >> level,
            self.height >> level,
        )

    def rays(self, pixels: Tensor) -> Tensor:
        """Rays (..., 3) with z = 1 through pixels (..., 2)."""
        x = (pixels[..., 0] - self.cx) / self.fx
        y = (pixels[..., 1] - self.cy) / self.fy
        return torch.stack([x, y, torch.ones_like(x)], -1)

    def grid(self, device: torch.device) -> Tensor:
        """Pixel coordinates (height, width, 2) as float32 (x, y)."""
        y, x = torch.meshgrid(
            torch.arange(self.height, device=device, dtype=torch.float32),
            torch.arange(self.width, device=device, dtype=torch.float32),
            indexing="ij",
        )
        return torch.stack([x, y], -1)


@dataclass(frozen=True)
class Projection:
    """Points seen from a target camera.

    ``pixels`` (..., 2); ``inverse_depth`` (...) in the target; ``scale`` (...) = target inverse
    depth over host inverse depth; ``in_front`` (...) bool; ``xy`` (..., 2) = pixels on the z = 1
    plane.
    """

    pixels: Tensor
    xy: Tensor
    inverse_depth: Tensor
    scale: Tensor
    in_front: Tensor


def project(
    camera: Pinhole, rays: Tensor, inverse_depth: Tensor, R: Tensor, t: Tensor
) -> Projection:
    """Project host rays (..., 3) with z = 1 at ``inverse_depth`` (...) into a target.

    ``R`` (..., 3, 3) and ``t`` (..., 3) are T_target_host; shapes broadcast. With X = R ray + t d
    the target depth is X_z / d, so d = 0 (infinity) needs no special case.
    """
    # Written out: a batched 3x3 product per point costs ten times as much.
    a, b = rays[..., 0], rays[..., 1]
    X, Y, Z = (
        R[..., k, 0] * a + R[..., k, 1] * b + (R[..., k, 2] + t[..., k] * inverse_depth)
        for k in range(3)
    )
    in_front = Z > MIN_DEPTH_RATIO
    scale = 1.0 / Z.clamp(min=MIN_DEPTH_RATIO)
    x, y = X * scale, Y * scale
    pixels = torch.stack([x * camera.fx + camera.cx, y * camera.fy + camera.cy], -1)
    return Projection(pixels, torch.stack([x, y], -1), inverse_depth * scale, scale, in_front)


def project_by(camera: Pinhole, rays: Tensor, inverse_depth: Tensor, T: Tensor) -> Projection:
    """Project rays (..., 3) at ``inverse_depth`` (...) by one T_target_host (4, 4)."""
    T = T.to(rays.dtype)
    given = (rays, inverse_depth, T)
    is_plain = all(x.device.type == "cpu" and x.dtype == torch.float32 for x in given)
    needs_gradient = torch.is_grad_enabled() and any(x.requires_grad for x in given)
    if is_plain and not needs_gradient and rays.shape[:-1] == inverse_depth.shape:
        return _project_on_cpu(camera, rays, inverse_depth, T)
    return project(camera, rays, inverse_depth, T[:3, :3], T[:3, 3])


def _project_on_cpu(camera: Pinhole, rays: Tensor, inverse_depth: Tensor, T: Tensor) -> Projection:
    """``project`` by a compiled loop: twenty tensor operations cost more than their numbers."""
    shape = inverse_depth.shape
    pixels, xy = torch.empty(2, *shape, 2)
    there, scale = torch.empty(2, *shape)
    in_front = torch.empty(shape, dtype=torch.bool)
    project_points(
        rays.detach().reshape(-1, 3).contiguous().numpy(),
        inverse_depth.detach().reshape(-1).contiguous().numpy(),
        T.detach().contiguous().numpy(),
        np.array([camera.fx, camera.fy, camera.cx, camera.cy], np.float32),
        MIN_DEPTH_RATIO,
        pixels.view(-1, 2).numpy(),
        xy.view(-1, 2).numpy(),
        there.view(-1).numpy(),
        scale.view(-1).numpy(),
        in_front.view(-1).numpy(),
    )
    return Projection(pixels, xy, there, scale, in_front)


def projection_jacobians(camera: Pinhole, p: Projection, t: Tensor) -> tuple[Tensor, Tensor]:
    """Derivatives of the projected pixel, with t = translation of T_target_host (..., 3).

    Returns:
        (..., 2, 6) by the left perturbation of T_target_host, and (..., 2) by the host's inverse
        depth. Engel, Koltun, Cremers, "Direct Sparse Odometry", 2016 (arXiv:1607.02565).
    """
    x, y = p.xy.unbind(-1)
    d = p.inverse_depth
    zero = torch.zeros_like(x)
    du = torch.stack([d, zero, -d * x, -x * y, 1 + x * x, -y], -1) * camera.fx
    dv = torch.stack([zero, d, -d * y, -(1 + y * y), x * y, x], -1) * camera.fy
    # t is broadcast over the points; d(xy)/dd = scale * (t_xy - xy * t_z).
    by_depth = torch.stack(
        [
            camera.fx * p.scale * (t[..., 0] - x * t[..., 2]),
            camera.fy * p.scale * (t[..., 1] - y * t[..., 2]),
        ],
        -1,
    )
    return torch.stack([du, dv], -2), by_depth
