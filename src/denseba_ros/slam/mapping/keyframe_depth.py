"""Points and dense surface of one keyframe, kept in step with each other."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import fill, point_weight, scatter_points
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


def initialise_points(keyframe: WindowKeyframe, inverse_depth_map: Tensor) -> None:
    """Points start from a dense surface (2, h, w) at their cell."""
    keyframe.inverse_depth_map = inverse_depth_map
    cells = cells_of(keyframe.points.pixels, inverse_depth_map.shape[1:])
    depth, sigma = inverse_depth_map[:, cells[:, 1], cells[:, 0]]
    keyframe.points.inverse_depth = depth.contiguous()
    keyframe.points.relative_sigma = sigma.contiguous()
    set_depth_prior(keyframe)


def update_depth_maps(keyframes: Sequence[WindowKeyframe]) -> None:
    """Dense depth from the points; points that know little follow the surface."""
    shaped = [k for k in keyframes if bool(_shaping(k).any())]
    if not shaped:
        return
    scattered = [_with_network(k, *_scattered(k)) for k in shaped]
    value, weight = (torch.stack(part) for part in zip(*scattered, strict=True))
    surfaces = fill(value, weight, torch.stack([k.edges for k in shaped]))
    for keyframe, inverse_depth_map in zip(shaped, surfaces, strict=True):
        # A copy: a keyframe that outlives the others must not keep theirs.
        keyframe.inverse_depth_map = inverse_depth_map.clone()
        points = keyframe.points
        cells = cells_of(points.pixels, inverse_depth_map.shape[1:])
        around = inverse_depth_map[0, cells[:, 1], cells[:, 0]]
        vague = points.relative_sigma > VAGUE
        points.inverse_depth = torch.where(vague, around, points.inverse_depth)
        set_depth_prior(keyframe)


def _shaping(keyframe: WindowKeyframe) -> Tensor:
    """Points (N,) that know their depth well enough to shape the surface."""
    points = keyframe.points
    return points.valid & (points.relative_sigma <= VAGUE)


def _scattered(keyframe: WindowKeyframe) -> tuple[Tensor, Tensor]:
    points = keyframe.points
    shape = (keyframe.inverse_depth_map.shape[1], keyframe.inverse_depth_map.shape[2])
    return scatter_points(
        cells_of(points.pixels, shape),
        points.inverse_depth,
        points.relative_sigma,
        _shaping(keyframe),
        shape,
    )


def _with_network(keyframe: WindowKeyframe, value: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Add the network's depth, where it is sharp, to points scattered as value, weight (h, w)."""
    network, sigma = keyframe.network_depth
    says = point_weight(sigma) * (sigma < _DAMPING_SIGMA)
    total = weight + says
    return (weight * value + says * network) / total.clamp(min=1e-12), total


def set_depth_prior(keyframe: WindowKeyframe) -> None:
    """Prior of the points: a depth model's where it knows the scale, else a wide one around the
    present depth, so that unseen points do not run away."""
    points = keyframe.points
    network, sigma = keyframe.network_depth
    cells = cells_of(points.pixels, network.shape)
    network, sigma = network[cells[:, 1], cells[:, 0]], sigma[cells[:, 1], cells[:, 0]]
    sharp = sigma < KNOWN_SCALE
    points.prior_depth = torch.where(sharp, network, points.inverse_depth)
    points.prior_information = (sigma.clamp(max=_DAMPING_SIGMA) * points.prior_depth) ** -2
