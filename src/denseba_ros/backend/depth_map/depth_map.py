"""The dense inverse depth of a keyframe: its points joined by edge-aware smoothness.

The smoothness energy is sum w (d - d_point)^2 + lambda sum e (d - d_neighbour)^2, with e falling
where brightness changes (Heise et al., "PM-Huber", 2013; Godard et al., monodepth2, 2019),
relaxed by Jacobi sweeps from a coarse-to-fine start.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map_loops import fill_maps, scatter
from denseba_ros.parallel import parallel_for

# Grey levels over which the smoothness falls by e.
_EDGE = 8.0
# Weight of smoothness against a point with a deviation of 1 %.
SMOOTHNESS = 0.02
_SWEEPS = 30
# Of points that fall together, those count that are at least so near as the nearest.
NEAR = 0.8
# Relative deviation of cells that no point is near.
UNKNOWN = 1.0


def edge_weights(brightness: Tensor) -> Tensor:
    """Smoothness (2, h, w) towards the right and lower neighbour of brightness (h, w)."""
    right = F.pad((brightness[:, 1:] - brightness[:, :-1]).abs(), (0, 1), value=float("inf"))
    down = F.pad((brightness[1:] - brightness[:-1]).abs(), (0, 0, 0, 1), value=float("inf"))
    return torch.exp(-torch.stack([right, down]) / _EDGE).clamp(min=1e-3) * torch.isfinite(
        torch.stack([right, down])
    )


def point_weight(relative_sigma: Tensor) -> Tensor:
    """Weight in the map of depth with this relative deviation: 1 if exact, half at 1 %."""
    return 1e-4 / (relative_sigma**2 + 1e-4)


def scatter_points(
    cells: Tensor, inverse_depth: Tensor, relative_sigma: Tensor, ok: Tensor, shape: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Weighted mean inverse depth and weight (h, w) of points at ``cells`` (M, 2) (x, y) long.

    Where points of different depth fall together, those within 20 % of the nearest count.
    """
    h, w = shape
    index = (cells[:, 1] * w + cells[:, 0]).clamp(0, h * w - 1)
    return scatter_at(index, inverse_depth, relative_sigma, ok, shape)


def scatter_at(
    index: Tensor, inverse_depth: Tensor, relative_sigma: Tensor, ok: Tensor, shape: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """``scatter_points`` for flat indices (M,) of cells, all inside."""
    h, w = shape
    weight = torch.where(ok, point_weight(relative_sigma), torch.zeros_like(inverse_depth))
    if index.device.type == "cpu" and weight.dtype == torch.float32:
        mean, total = weight.new_zeros(2, h * w)
        value = inverse_depth.contiguous().numpy()
        scatter(index.numpy(), value, weight.numpy(), NEAR, mean.numpy(), total.numpy())
    else:
        mean, total = scatter_torch(index, inverse_depth, weight, h * w)
    return mean.reshape(h, w), total.reshape(h, w)


def scatter_torch(
    index: Tensor, value: Tensor, weight: Tensor, cells: int
) -> tuple[Tensor, Tensor]:
    """What ``depth_map_loops.scatter`` does, on any device: mean and total weight (cells,)."""
    value = torch.where(weight > 0, value, torch.zeros_like(value))
    zeros = value.new_zeros(cells)
    nearest = zeros.scatter_reduce(0, index, value, "amax")
    weight = torch.where(value >= NEAR * nearest[index], weight, torch.zeros_like(weight))
    total = zeros.scatter_add(0, index, weight)
    return zeros.scatter_add(0, index, weight * value) / total.clamp(min=1e-12), total


def fill(value: Tensor, weight: Tensor, edges: Tensor) -> Tensor:
    """Depth maps (..., 2, h, w) from scattered inverse depths (..., h, w) with weights (..., h, w),
    0 = none, and ``edges`` (..., 2, h, w).

    Channel 0 is the inverse depth everywhere, channel 1 its relative deviation: that of the
    points nearby and their disagreement, ``UNKNOWN`` far from all points.
    """
    shape = edges.shape
    value, weight = value.reshape(-1, *shape[-2:]), weight.reshape(-1, *shape[-2:])
    edges = edges.reshape(-1, *shape[-3:])
    if value.device.type == "cpu" and value.dtype == torch.float32:
        filled = torch.empty_like(edges, memory_format=torch.contiguous_format)
        arrays = (part.contiguous().numpy() for part in (value, weight, edges))
        scales = (SMOOTHNESS, _SWEEPS, UNKNOWN)
        parallel_for(fill_maps, len(value), *arrays, *scales, filled.numpy())
        return filled.reshape(shape)
    return fill_torch(value, weight, edges).reshape(shape)


def fill_torch(value: Tensor, weight: Tensor, edges: Tensor) -> Tensor:
    """What ``depth_map_loops.fill_maps`` does, on any device: (K, 2, h, w) from (K, h, w) twice
    and (K, 2, h, w)."""
    start, support = push_pull(value, weight)
    d = relax(start, value, weight, edges)
    return torch.stack([d, _deviation(d, value, weight, support)], 1)


def push_pull(value: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Fill holes (K, h, w) from ever coarser weighted means; also the support of each cell."""
    h, width = value.shape[1:]
    v, w = value * weight, weight
    if max(h, width) <= 2:
        mean = v.sum((1, 2), keepdim=True) / w.sum((1, 2), keepdim=True).clamp(min=1e-12)
        return mean.expand(-1, h, width), w
    coarse_v, coarse_w = F.avg_pool2d(torch.stack([v, w], 1), 2, ceil_mode=True).unbind(1)
    below = push_pull(coarse_v / coarse_w.clamp(min=1e-12), coarse_w.clamp(max=1.0))
    up = F.interpolate(torch.stack(below, 1), (h, width), mode="bilinear", align_corners=False)
    share = (weight / 0.05).clamp(max=1.0)
    filled = share * value + (1 - share) * up[:, 0]
    return filled, torch.maximum(weight, 0.25 * up[:, 1])


def relax(
    start: Tensor, value: Tensor, weight: Tensor, edges: Tensor, sweeps: int = _SWEEPS
) -> Tensor:
    """Jacobi sweeps of the smoothness energies (K, h, w)."""
    right, down = (SMOOTHNESS * edges).unbind(1)
    left = F.pad(right, (1, 0))[..., :-1]
    up = F.pad(down, (0, 0, 1, 0))[:, :-1]
    diagonal = weight + right + down + left + up
    own, right, left, down, up = (
        term / diagonal.clamp(min=1e-9) for term in (weight * value, right, left, down, up)
    )
    d = start
    for _ in range(sweeps):
        padded = F.pad(d, (1, 1, 1, 1))
        d = (
            own
            + (right * padded[:, 1:-1, 2:] + left * padded[:, 1:-1, :-2])
            + (down * padded[:, 2:, 1:-1] + up * padded[:, :-2, 1:-1])
        )
    return d


def _deviation(d: Tensor, value: Tensor, weight: Tensor, support: Tensor) -> Tensor:
    """Relative deviation (K, h, w): weight back to sigma, plus how far nearby points disagree."""
    error = weight * ((value - d) / d.clamp(min=1e-9)) ** 2
    near, around = box_mean(torch.stack([weight, error]))
    disagreement: Tensor = around / near.clamp(min=1e-9)
    own = 1e-4 / support.clamp(min=1e-4)
    return (own + disagreement).sqrt().clamp(max=UNKNOWN)


def box_mean(maps: Tensor) -> Tensor:
    """Mean of maps (..., h, w) over 9x9 cells, zeros beyond the border: threes of threes."""
    total = F.pad(maps, (4, 4, 4, 4))
    for axis in (-2, -1):
        for step in (1, 3):
            length = total.shape[axis] - 2 * step
            left, middle, right = (total.narrow(axis, k * step, length) for k in range(3))
            total = left + middle + right
    return total / 81.0
