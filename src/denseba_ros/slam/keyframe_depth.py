"""Points and dense surface of one keyframe, kept in step with each other."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.surface import fill, point_weight, scatter_points
from denseba_ros.backend.window import WindowKeyframe

GRID_LEVEL = 2
# Points whose depth is known worse than this (relative) follow the surface instead of shaping it.
VAGUE = 0.3
# A model whose log-depth is sharper than this has a scale of its own, at which it holds points. The
# errors of a vaguer one are shared by many pixels: it starts points and fills between them, but as
# a prior of independent points it would claim too much, and pull the scale along.
KNOWN_SCALE = 0.15
# Largest relative deviation of the prior that keeps points from running away.
_DAMPING_SIGMA = 0.5


def cells_of(pixels: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Grid cells (N, 2) (x, y) long of working pixels (N, 2) on a grid of (h, w)."""
    cells = ((pixels + 0.5) / (1 << GRID_LEVEL)).floor().long()
    limit = cells.new_tensor([shape[1] - 1, shape[0] - 1])
    return torch.minimum(cells.clamp(min=0), limit)


def take_surface(keyframe: WindowKeyframe, surface: Tensor) -> None:
    """Points start from a dense surface (2, h, w) at their cell."""
    keyframe.surface = surface
    cells = cells_of(keyframe.points.pixels, surface.shape[1:])
    depth, sigma = surface[:, cells[:, 1], cells[:, 0]]
    keyframe.points.inverse_depth = depth.contiguous()
    keyframe.points.relative_sigma = sigma.contiguous()
    hold(keyframe)


def refresh_surface(keyframe: WindowKeyframe) -> None:
    """Dense depth from the points; points that know little follow the surface."""
    points = keyframe.points
    shape = (keyframe.surface.shape[1], keyframe.surface.shape[2])
    cells = cells_of(points.pixels, shape)
    vague = points.relative_sigma > VAGUE
    shaping = points.valid & ~vague
    if not bool(shaping.any()):
        return
    value, weight = scatter_points(
        cells, points.inverse_depth, points.relative_sigma, shaping, shape
    )
    keyframe.surface = fill(*_with_network(keyframe, value, weight), keyframe.edges)
    around = keyframe.surface[0, cells[:, 1], cells[:, 0]]
    points.inverse_depth = torch.where(vague, around, points.inverse_depth)
    hold(keyframe)


def _with_network(keyframe: WindowKeyframe, value: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Add the network's depth, where it is sharp, to points scattered as value, weight (h, w)."""
    network, sigma = keyframe.network_depth
    says = point_weight(sigma) * (sigma < _DAMPING_SIGMA)
    total = weight + says
    return (weight * value + says * network) / total.clamp(min=1e-12), total


def hold(keyframe: WindowKeyframe) -> None:
    """Prior of the points: a depth model's where it knows the scale, else a wide one around the
    present depth, so that unseen points do not run away."""
    points = keyframe.points
    network, sigma = keyframe.network_depth
    cells = cells_of(points.pixels, network.shape)
    network, sigma = network[cells[:, 1], cells[:, 0]], sigma[cells[:, 1], cells[:, 0]]
    sharp = sigma < KNOWN_SCALE
    points.prior_depth = torch.where(sharp, network, points.inverse_depth)
    points.prior_information = (sigma.clamp(max=_DAMPING_SIGMA) * points.prior_depth) ** -2
