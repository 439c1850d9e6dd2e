"""The dense inverse depth of a keyframe: its points joined by edge-aware smoothness.

The smoothness energy is sum w (d - d_point)^2 + lambda sum e (d - d_neighbour)^2, with e falling
where brightness changes (Heise et al., "PM-Huber", 2013; Godard et al., monodepth2, 2019),
relaxed by Jacobi sweeps from a coarse-to-fine start.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.backend.surface_loops import relax

# Grey levels over which the smoothness falls by e.
_EDGE = 8.0
# Weight of smoothness against a point that is known to 1 %.
_SMOOTHNESS = 0.02
_SWEEPS = 30
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
    """Weight in the surface of depth with this relative deviation: 1 if exact, half at 1 %."""
    return 1e-4 / (relative_sigma**2 + 1e-4)


def scatter_points(
    cells: Tensor, inverse_depth: Tensor, relative_sigma: Tensor, ok: Tensor, shape: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Weighted mean inverse depth and weight (h, w) of points at ``cells`` (M, 2) (x, y) long.

    Where points of different depth fall together, those within 20 % of the nearest are kept.
    """
    h, w = shape
    index = (cells[:, 1] * w + cells[:, 0]).clamp(0, h * w - 1)
    value = torch.where(ok, inverse_depth, torch.zeros_like(inverse_depth))
    zeros = inverse_depth.new_zeros(h * w)
    nearest = zeros.scatter_reduce(0, index, value, "amax")
    keep = ok & (value >= 0.8 * nearest[index])
    weight = torch.where(keep, point_weight(relative_sigma), torch.zeros_like(value))
    total = zeros.scatter_add(0, index, weight)
    mean = zeros.scatter_add(0, index, weight * value) / total.clamp(min=1e-12)
    return mean.reshape(h, w), total.reshape(h, w)


def fill(value: Tensor, weight: Tensor, edges: Tensor) -> Tensor:
    """Surface (2, h, w) from scattered inverse depths (h, w) with weights (h, w), 0 = none.

    Channel 0 is the inverse depth everywhere, channel 1 its relative deviation: that of the
    points nearby and their disagreement, ``UNKNOWN`` far from all points.
    """
    start, support = _push_pull(value, weight)
    d = _relax(start, value, weight, edges)
    return torch.stack([d, _deviation(d, value, weight, support)])


def _push_pull(value: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Fill holes from ever coarser weighted means; also (h, w) the support that each cell had."""
    v, w = (value * weight)[None, None], weight[None, None]
    h, width = value.shape
    if max(h, width) <= 2:
        return (v.sum() / w.sum().clamp(min=1e-12)).expand(h, width), w[0, 0]
    coarse_w = F.avg_pool2d(w, 2, ceil_mode=True)
    coarse_v = F.avg_pool2d(v, 2, ceil_mode=True) / coarse_w.clamp(min=1e-12)
    below = torch.stack(_push_pull(coarse_v[0, 0], coarse_w[0, 0].clamp(max=1.0)))
    up, up_support = F.interpolate(below[None], (h, width), mode="bilinear", align_corners=False)[0]
    share = (weight / 0.05).clamp(max=1.0)
    return share * value + (1 - share) * up, torch.maximum(weight, 0.25 * up_support)


def _relax(start: Tensor, value: Tensor, weight: Tensor, edges: Tensor) -> Tensor:
    """Jacobi sweeps of the smoothness energy."""
    right, down = _SMOOTHNESS * edges
    left = F.pad(right, (1, 0))[:, :-1]
    up = F.pad(down, (0, 0, 1, 0))[:-1]
    diagonal = weight + right + down + left + up
    terms = torch.stack([weight * value, right, left, down, up]) / diagonal.clamp(min=1e-9)
    if start.device.type == "cpu" and start.dtype == torch.float32:
        return torch.from_numpy(relax(start.contiguous().numpy(), terms.numpy(), _SWEEPS))
    return relax_torch(start, terms, _SWEEPS)


def relax_torch(start: Tensor, terms: Tensor, sweeps: int) -> Tensor:
    """What ``surface_loops.relax`` does, on any device."""
    own, right, left, lower, upper = terms
    d = start
    for _ in range(sweeps):
        padded = F.pad(d, (1, 1, 1, 1))
        d = (
            own
            + (right * padded[1:-1, 2:] + left * padded[1:-1, :-2])
            + (lower * padded[2:, 1:-1] + upper * padded[:-2, 1:-1])
        )
    return d


def _deviation(d: Tensor, value: Tensor, weight: Tensor, support: Tensor) -> Tensor:
    """Relative deviation (h, w): weight back to sigma, plus how far nearby points disagree."""
    error = weight * ((value - d) / d.clamp(min=1e-9)) ** 2
    near, around = _box_mean(torch.stack([weight, error]))
    disagreement: Tensor = around / near.clamp(min=1e-9)
    own = 1e-4 / support.clamp(min=1e-4)
    return (own + disagreement).sqrt().clamp(max=UNKNOWN)


def _box_mean(maps: Tensor) -> Tensor:
    """Mean of maps (M, h, w) over 9x9 cells, zeros beyond the border: threes of threes."""
    total = F.pad(maps, (4, 4, 4, 4))
    for axis in (1, 2):
        for step in (1, 3):
            length = total.shape[axis] - 2 * step
            left, middle, right = (total.narrow(axis, k * step, length) for k in range(3))
            total = left + middle + right
    return total / 81.0
