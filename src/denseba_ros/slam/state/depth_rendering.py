"""Dense depth for the user: of a keyframe, or rendered into a later image."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import scatter_at, scatter_points
from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import se3
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.pinhole import MIN_DEPTH_RATIO, Pinhole, project_by
from denseba_ros.geometry.pyramid import inside
from denseba_ros.slam.state.depth_rendering_loops import close_gaps, project_depth_map
from denseba_ros.slam.state.estimate import DepthMap, DepthParts, Keyframe

# Cells whose relative standard deviation is larger are published as unknown (NaN).
MAX_SIGMA = 0.3


def to_depth_map(inverse_depth_map: Tensor, camera: Pinhole) -> DepthMap:
    """DepthMap from inverse depth and its relative standard deviation (2, h, w)."""
    depth = 1.0 / inverse_depth_map[0].clamp(min=1e-6)
    known = (inverse_depth_map[1] < MAX_SIGMA) & (inverse_depth_map[0] > 1e-6)
    nan = torch.full_like(depth, float("nan"))
    calibration = Calibration(
        camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy
    )
    return DepthMap(
        torch.where(known, depth, nan).cpu().numpy(),
        torch.where(known, depth * inverse_depth_map[1], nan).cpu().numpy(),
        calibration,
    )


def keyframe_view(
    keyframe: WindowKeyframe,
    camera: Pinhole,
    grid_level: int,
    dense: Tensor,
    parts: DepthParts | None = None,
) -> Keyframe:
    """A keyframe copied from the device; ``camera`` of level 0. ``dense`` (2, h, w) is its inverse
    depth and relative deviation on ``grid_level``, made of ``parts``."""
    grey = keyframe.pyramid[grid_level][0, 0].clamp(0, 255).to(torch.uint8)
    first = keyframe.first_inverse_depth_map
    return Keyframe(
        keyframe.id,
        keyframe.stamp_ns,
        se3.inverse(keyframe.T).cpu().numpy(),
        to_depth_map(dense, camera.level(grid_level)),
        grey.cpu().numpy(),
        None if first is None else (1.0 / first[0].clamp(min=1e-6)).cpu().numpy(),
        parts,
    )


def render_depth(
    inverse_depth_map: Tensor, T_current_keyframe: Tensor, camera: Pinhole, grid_level: int
) -> DepthMap:
    """Depth of the image at ``T_current_keyframe`` (4, 4), rendered from a keyframe's inverse depth
    map (2, h, w) on the grid of ``grid_level``; cells that it does not cover are NaN."""
    grid = camera.level(grid_level)
    return to_depth_map(render(inverse_depth_map, T_current_keyframe, grid), grid)


def render(inverse_depth_map: Tensor, T: Tensor, grid: Pinhole) -> Tensor:
    """``render_torch`` by the fastest way on the map's device."""
    on_cpu = inverse_depth_map.device.type == "cpu"
    return (render_numba if on_cpu else render_torch)(inverse_depth_map, T, grid)


def render_numba(inverse_depth_map: Tensor, T: Tensor, grid: Pinhole) -> Tensor:
    """The same result as ``render_torch``, on the CPU, in a sixth of the time."""
    inverse_depth_map = inverse_depth_map.contiguous()
    index = torch.empty(inverse_depth_map[0].numel(), dtype=torch.int64)
    inverse_depth = torch.empty(len(index))
    project_depth_map(
        inverse_depth_map.numpy(),
        T.to(torch.float32).contiguous().numpy(),
        np.array([grid.fx, grid.fy, grid.cx, grid.cy], np.float32),
        MAX_SIGMA,
        MIN_DEPTH_RATIO,
        index.numpy(),
        inverse_depth.numpy(),
    )
    h, w = inverse_depth_map.shape[1:]
    sigma, is_visible = inverse_depth_map[1].reshape(-1), index >= 0
    mean, weight = scatter_at(index.clamp(min=0), inverse_depth, sigma, is_visible, (h, w))
    out = torch.empty_like(inverse_depth_map)
    close_gaps(mean.numpy(), weight.numpy(), out.numpy())
    return out


def render_torch(inverse_depth_map: Tensor, T: Tensor, grid: Pinhole) -> Tensor:
    """Render an inverse depth map into another view, on any device.

    Args:
        inverse_depth_map: (2, h, w) float32, inverse depth and its relative standard deviation.
        T: T_view_map (4, 4).
        grid: camera of both views, on the map's grid.

    Returns:
        (2, h, w) float32 in the view; the relative standard deviation is 1 where nothing projects.
    """
    h, w = inverse_depth_map.shape[1:]
    rays = grid.rays(grid.grid(inverse_depth_map.device))
    p = project_by(grid, rays, inverse_depth_map[0], T)
    pixels = p.pixels.reshape(-1, 2)
    sigma = inverse_depth_map[1].reshape(-1)
    ok = p.in_front.reshape(-1) & (sigma < MAX_SIGMA) & inside(pixels, w, h, -0.49)
    cells = torch.where(ok[:, None], pixels.round(), torch.zeros_like(pixels)).long()
    mean, weight = scatter_points(cells, p.inverse_depth.reshape(-1), sigma, ok, (h, w))
    return _close_gaps(mean, weight)


def _close_gaps(mean: Tensor, weight: Tensor) -> Tensor:
    """Inverse depth map (2, h, w): empty cells take the weighted mean of their neighbours."""
    near = F.avg_pool2d(weight[None, None], 3, 1, 1)[0, 0]
    value = F.avg_pool2d((mean * weight)[None, None], 3, 1, 1)[0, 0] / near.clamp(min=1e-12)
    inverse_depth = torch.where(weight > 0, mean, value)
    support = torch.where(weight > 0, weight, near)
    # The inverse of depth_map.point_weight; sums of several weights would give sigma < 0.
    sigma = (1e-4 / support.clamp(min=1e-9) - 1e-4).clamp(min=1e-6).sqrt()
    return torch.stack([inverse_depth, torch.where(near > 0, sigma, torch.ones_like(sigma))])
