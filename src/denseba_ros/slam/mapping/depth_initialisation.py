"""First depth of a new keyframe: the network's, what other keyframes carry over, then search."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import fill, scatter_points
from denseba_ros.backend.window import WindowKeyframe, seen_from
from denseba_ros.frontend.two_view.epipolar_search import search
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import inside
from denseba_ros.slam.mapping.keyframe_depth import (
    KNOWN_SCALE,
    VAGUE,
    cells_of,
    initialise_points,
    set_depth_prior,
    update_depth_maps,
)
from denseba_ros.slam.mapping.track_propagation import PropagatedTracks

_SEARCH_LEVEL = 1
# So many of the newest keyframes are searched.
_SEARCHED = 3
# Depth carried over from other keyframes is trusted this much less.
_CARRIED_FACTOR, _CARRIED_FLOOR = 1.5, 0.03
# Points better known than this are not searched again.
_KNOWN = 0.08
# Deviation of triangulated corners, and the least that a surface between them claims to know.
_SEED_SIGMA, _SEED_SURFACE_SIGMA = 0.1, 0.2


def initialise_depth(
    camera: Pinhole,
    keyframe: WindowKeyframe,
    others: list[WindowKeyframe],
    propagated: PropagatedTracks | None = None,
) -> None:
    """Depth of a keyframe about which only the network and the window know something.

    Its first corners are those ``propagated`` on by the window, with the depth they have there.
    """
    prior, sigma = keyframe.network_depth
    if others:
        value, weight = _carry_over(camera, keyframe, others)
        inverse_depth_map = fill(value, weight, keyframe.edges)
        if float(sigma.median()) > KNOWN_SCALE:
            prior = prior * _median_ratio(value, weight, prior)
            keyframe.network_depth[0] = prior
        carried = inverse_depth_map[1] < sigma
        prior = torch.where(carried, inverse_depth_map[0], prior)
        sigma = torch.where(carried, inverse_depth_map[1], sigma)
    initialise_points(keyframe, torch.stack([prior, sigma]))
    if propagated is not None:
        m = len(propagated.pixels)
        keyframe.points.inverse_depth[:m] = propagated.inverse_depth[:m]
        keyframe.points.relative_sigma[:m] = propagated.relative_sigma[:m]
    search_depth(camera, keyframe, others)


def initialise_from_triangulation(
    keyframe: WindowKeyframe, pixels: Tensor, inverse_depth: Tensor
) -> None:
    """Depth of a first keyframe by corners ``pixels`` (M, 2) of ``inverse_depth`` (M,)."""
    shape = (keyframe.inverse_depth_map.shape[1], keyframe.inverse_depth_map.shape[2])
    sigma = torch.full_like(inverse_depth, _SEED_SIGMA)
    cells = cells_of(pixels, shape)
    value, weight = scatter_points(cells, inverse_depth, sigma, inverse_depth > 0, shape)
    inverse_depth_map = fill(value, weight, keyframe.edges)
    inverse_depth_map[1] = inverse_depth_map[1].clamp(min=_SEED_SURFACE_SIGMA)
    initialise_points(keyframe, inverse_depth_map)


def _carry_over(
    camera: Pinhole, keyframe: WindowKeyframe, others: list[WindowKeyframe]
) -> tuple[Tensor, Tensor]:
    """Points of all other keyframes seen from this one: mean (h, w) and weight (h, w)."""
    shape = (keyframe.inverse_depth_map.shape[1], keyframe.inverse_depth_map.shape[2])
    cells, depth, sigma, ok = [], [], [], []
    for other in others:
        p = seen_from(camera, other, keyframe)
        known = other.points.valid & (other.points.relative_sigma < VAGUE)
        cells.append(cells_of(p.pixels, shape))
        depth.append(p.inverse_depth)
        sigma.append(other.points.relative_sigma * _CARRIED_FACTOR + _CARRIED_FLOOR)
        ok.append(known & p.in_front & inside(p.pixels, camera.width, camera.height, 0.0))
    return scatter_points(
        torch.cat(cells), torch.cat(depth), torch.cat(sigma), torch.cat(ok), shape
    )


def _median_ratio(value: Tensor, weight: Tensor, prior: Tensor) -> Tensor:
    """Ratio of carried-over to prior inverse depth, so that a prior of unknown scale fits in."""
    seen = weight > 0
    if not bool(seen.any()):
        return prior.new_ones(())
    return (value[seen] / prior[seen]).median()


def search_depth(camera: Pinhole, keyframe: WindowKeyframe, others: list[WindowKeyframe]) -> None:
    """Epipolar search for the points that are not well known yet."""
    points = keyframe.points
    wanted = (points.valid & (points.relative_sigma > _KNOWN)).nonzero()[:, 0]
    others = others[-_SEARCHED:]
    if len(wanted) == 0 or not others:
        return
    scale = 1.0 / (1 << _SEARCH_LEVEL)
    d, s = points.inverse_depth[wanted], points.relative_sigma[wanted]
    median = points.inverse_depth[points.valid].median()
    low = torch.where(s > VAGUE, 0.02 * median, d * (1 - 3 * s).clamp(min=0.05))
    high = torch.where(s > VAGUE, 5 * median, d * (1 + 4 * s))
    match = search(
        camera.level(_SEARCH_LEVEL),
        keyframe.pyramid[_SEARCH_LEVEL],
        (points.pixels[wanted] + 0.5) * scale - 0.5,
        torch.cat([o.pyramid[_SEARCH_LEVEL] for o in others]),
        torch.stack([o.T @ se3.inverse(keyframe.T) for o in others]),
        low,
        torch.maximum(high, low * 1.01),
    )
    better = match.ok & (match.relative_sigma < s)
    points.inverse_depth[wanted] = torch.where(better, match.inverse_depth, d)
    points.relative_sigma[wanted] = torch.where(better, match.relative_sigma, s)
    set_depth_prior(keyframe)
    update_depth_maps([keyframe])
