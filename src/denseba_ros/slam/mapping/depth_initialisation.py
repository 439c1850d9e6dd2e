"""Initial depth of a new keyframe: the network's, other keyframes' points, epipolar search."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import fill, scatter_points
from denseba_ros.backend.window import WindowKeyframe, seen_from
from denseba_ros.frontend.frame import UNKNOWN_DEPTH_SIGMA, median_known
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

# Pyramid level of the epipolar search, and the number of newest keyframes that are searched.
_SEARCH_LEVEL = 1
_SEARCHED = 3
# Relative standard deviations grow when points are projected from another keyframe: factor, term.
_PROJECTED_FACTOR, _PROJECTED_TERM = 1.5, 0.03
# Points with a smaller relative standard deviation are not searched again.
_CERTAIN = 0.08
# Relative standard deviation of triangulated corners, and the least of the depth between them.
_TRIANGULATED_SIGMA, _MIN_FILLED_SIGMA = 0.1, 0.2


def initialise_depth(
    camera: Pinhole,
    keyframe: WindowKeyframe,
    others: list[WindowKeyframe],
    propagated: PropagatedTracks | None = None,
    is_metric: bool = True,
) -> None:
    """Initial depth of a keyframe from the depth network and the window.

    Args:
        camera: of level 0.
        keyframe: the new keyframe, changed in place: points, inverse depth map and prior.
        others: keyframes of the window, oldest first.
        propagated: its first corners, with their depth from the window.
        is_metric: whether the map's unit is the metre, as far as anything told it.
    """
    prior, sigma = keyframe.network_depth
    if others:
        value, weight = _project_points(camera, keyframe, others)
        inverse_depth_map = fill(value, weight, keyframe.edges)
        if not is_metric or median_known(sigma) > KNOWN_SCALE:
            prior = prior * _median_ratio(value, weight, prior, sigma)
            keyframe.network_depth[0] = prior
        is_better = inverse_depth_map[1] < sigma
        prior = torch.where(is_better, inverse_depth_map[0], prior)
        sigma = torch.where(is_better, inverse_depth_map[1], sigma)
    initialise_points(keyframe, torch.stack([prior, sigma]))
    if propagated is not None:
        m = len(propagated.pixels)
        keyframe.points.inverse_depth[:m] = propagated.inverse_depth[:m]
        keyframe.points.relative_sigma[:m] = propagated.relative_sigma[:m]
    search_depth(camera, keyframe, others)


def initialise_from_triangulation(
    keyframe: WindowKeyframe, pixels: Tensor, inverse_depth: Tensor
) -> None:
    """Initial depth of the first keyframe from triangulated corners: ``pixels`` (M, 2),
    ``inverse_depth`` (M,)."""
    shape = (keyframe.inverse_depth_map.shape[1], keyframe.inverse_depth_map.shape[2])
    sigma = torch.full_like(inverse_depth, _TRIANGULATED_SIGMA)
    cells = cells_of(pixels, shape)
    value, weight = scatter_points(cells, inverse_depth, sigma, inverse_depth > 0, shape)
    inverse_depth_map = fill(value, weight, keyframe.edges)
    inverse_depth_map[1] = inverse_depth_map[1].clamp(min=_MIN_FILLED_SIGMA)
    initialise_points(keyframe, inverse_depth_map)


def _project_points(
    camera: Pinhole, keyframe: WindowKeyframe, others: list[WindowKeyframe]
) -> tuple[Tensor, Tensor]:
    """Project the points of all other keyframes into this one: mean inverse depth (h, w) and weight
    (h, w)."""
    shape = (keyframe.inverse_depth_map.shape[1], keyframe.inverse_depth_map.shape[2])
    cells, depth, sigma, ok = [], [], [], []
    for other in others:
        p = seen_from(camera, other, keyframe)
        known = other.points.valid & (other.points.relative_sigma < VAGUE)
        cells.append(cells_of(p.pixels, shape))
        depth.append(p.inverse_depth)
        sigma.append(other.points.relative_sigma * _PROJECTED_FACTOR + _PROJECTED_TERM)
        ok.append(known & p.in_front & inside(p.pixels, camera.width, camera.height, 0.0))
    return scatter_points(
        torch.cat(cells), torch.cat(depth), torch.cat(sigma), torch.cat(ok), shape
    )


def _median_ratio(value: Tensor, weight: Tensor, prior: Tensor, sigma: Tensor) -> Tensor:
    """Median ratio of the map's to the prior's inverse depth: the scale of a relative prior."""
    covered = weight > 0
    known = covered & (sigma < UNKNOWN_DEPTH_SIGMA)
    covered = known if bool(known.any()) else covered
    if not bool(covered.any()):
        return prior.new_ones(())
    return (value[covered] / prior[covered]).median()


def search_depth(camera: Pinhole, keyframe: WindowKeyframe, others: list[WindowKeyframe]) -> None:
    """Search the points whose depth is uncertain along their epipolar lines in the newest
    ``others``; ``camera`` of level 0. Points and inverse depth map of ``keyframe`` are updated."""
    points = keyframe.points
    uncertain = (points.valid & (points.relative_sigma > _CERTAIN)).nonzero()[:, 0]
    others = others[-_SEARCHED:]
    if len(uncertain) == 0 or not others:
        return
    scale = 1.0 / (1 << _SEARCH_LEVEL)
    d, s = points.inverse_depth[uncertain], points.relative_sigma[uncertain]
    median = points.inverse_depth[points.valid].median()
    low = torch.where(s > VAGUE, 0.02 * median, d * (1 - 3 * s).clamp(min=0.05))
    high = torch.where(s > VAGUE, 5 * median, d * (1 + 4 * s))
    match = search(
        camera.level(_SEARCH_LEVEL),
        keyframe.pyramid[_SEARCH_LEVEL],
        (points.pixels[uncertain] + 0.5) * scale - 0.5,
        torch.cat([o.pyramid[_SEARCH_LEVEL] for o in others]),
        torch.stack([o.T @ se3.inverse(keyframe.T) for o in others]),
        low,
        torch.maximum(high, low * 1.01),
    )
    better = match.ok & (match.relative_sigma < s)
    points.inverse_depth[uncertain] = torch.where(better, match.inverse_depth, d)
    points.relative_sigma[uncertain] = torch.where(better, match.relative_sigma, s)
    set_depth_prior(keyframe)
    update_depth_maps([keyframe])
