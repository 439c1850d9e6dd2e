"""Propagation of the window's tracks to a new keyframe, with depth and observations.

A new keyframe so has corners of known depth, and new corners are detected only between them. A
track continues through many keyframes instead of being detected again in each.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.features.optical_flow import detect_corners
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.mapping.feature_tracking import TRACKED_BACK, track_features
from denseba_ros.slam.mapping.keyframe_depth import VAGUE

# A corner tracked farther than this from its projection (pixels) is not propagated.
_MAX_ERROR = 3.0
# A corner missed in so many keyframes one after the other is not looked for again: of those that
# were missed twice one in ten was found in the next.
_MISSES = 2


@dataclass(frozen=True)
class PropagatedTracks:
    """Corners of the window observed in a new image.

    ``pixels`` (M, 2) there, ``inverse_depth`` (M,) there, ``relative_sigma`` (M,), ``host`` (M,)
    index of the keyframe and ``corner`` (M,) index in it that each comes from.
    """

    pixels: Tensor
    inverse_depth: Tensor
    relative_sigma: Tensor
    host: Tensor
    corner: Tensor

    def first(self, count: int) -> PropagatedTracks:
        """The first ``count`` of them, or all if there are fewer."""
        return PropagatedTracks(*(getattr(self, f.name)[:count] for f in fields(self)))

    @classmethod
    def joined(cls, parts: list[PropagatedTracks]) -> PropagatedTracks:
        """All of ``parts`` (at least one) in order."""
        return cls(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(cls)))


def propagate_tracks(
    camera: Pinhole,
    others: list[WindowKeyframe],
    new_id: int,
    grey: Grey,
    T: Tensor,
    count: int,
    spacing: float,
) -> PropagatedTracks | None:
    """Track the corners of the window into a new keyframe and select those to propagate.

    All observations are added to ``others``. Up to ``count`` corners whose observation agrees with
    their depth are propagated, the newest keyframes' first, one per cell of ``spacing`` pixels.

    Args:
        camera: of level 0.
        others: keyframes of the window, oldest first.
        new_id: id of the new keyframe.
        grey: its image.
        T: its T_camera_world (4, 4).
        count: most tracks to propagate.
        spacing: pixels between propagated corners.

    Returns:
        None without ``others``.
    """
    parts = []
    occupied: set[tuple[int, int]] = set()
    for index in reversed(range(len(others))):
        host = others[index]
        observations = track_features(camera, host, grey, T, host.misses < _MISSES)
        host.observed[new_id] = (observations.pixels, observations.is_tracked)
        host.misses = (host.misses + observations.is_missed) * ~observations.is_tracked
        error = torch.linalg.vector_norm(observations.pixels - observations.projected, dim=1)
        sigma = host.points.relative_sigma[: host.points.corners]
        agrees = observations.is_tracked & (error < _MAX_ERROR) & (sigma < VAGUE)
        corner = agrees.nonzero()[:, 0]
        corner = corner[_occupy(observations.pixels[corner], spacing, occupied)]
        part = (observations.pixels[corner], observations.inverse_depth[corner], sigma[corner])
        parts.append(PropagatedTracks(*part, torch.full_like(corner, index), corner))
    return PropagatedTracks.joined(parts).first(count) if parts else None


def _occupy(pixels: Tensor, spacing: float, occupied: set[tuple[int, int]]) -> list[int]:
    """Indices of the pixels (M, 2) in cells that are not ``occupied`` yet; adds their cells."""
    keep = []
    for row, (x, y) in enumerate((pixels / spacing).floor().long().tolist()):
        if (x, y) not in occupied:
            occupied.add((x, y))
            keep.append(row)
    return keep


def new_corners(
    grey: Grey, count: int, spacing: float, propagated: PropagatedTracks | None
) -> Tensor:
    """Corners (M, 2) float32 of a new keyframe, M up to ``count``: the propagated ones, then newly
    detected ones at least ``spacing`` pixels away from them."""
    if propagated is None:
        return torch.from_numpy(detect_corners(grey, count))
    pixels = propagated.pixels.cpu()
    detected = detect_corners(grey, count, pixels.numpy(), spacing)
    return torch.cat([pixels, torch.from_numpy(detected)])[:count]


def track_back(
    camera: Pinhole,
    new: WindowKeyframe,
    others: list[WindowKeyframe],
    propagated: PropagatedTracks | None,
) -> None:
    """Add the observations of the new keyframe's corners in ``others``: of propagated corners those
    that the window has already, of newly detected ones optical flow into the newest others."""
    if propagated is None:
        return
    f, m = new.points.corners, len(propagated.pixels)
    is_new = torch.arange(f, device=new.points.pixels.device) >= m
    for index in reversed(range(len(others))):
        other = others[index]
        pixels = new.points.pixels.new_zeros(f, 2)
        is_tracked = torch.zeros_like(is_new)
        if index >= len(others) - TRACKED_BACK:
            observations = track_features(camera, new, other.grey, other.T, is_new)
            pixels, is_tracked = observations.pixels, observations.is_tracked.clone()
            is_new = is_new & ~observations.is_missed
        pixels[:m], is_tracked[:m] = _earlier_observations(others, index, propagated)
        new.observed[other.id] = (pixels, is_tracked)


def _earlier_observations(
    others: list[WindowKeyframe], index: int, propagated: PropagatedTracks
) -> tuple[Tensor, Tensor]:
    """Pixels (M, 2) of the propagated tracks in keyframe ``index`` of ``others``, and (M,) bool
    whether they are observed there."""
    pixels = torch.zeros_like(propagated.pixels)
    is_tracked = torch.zeros_like(propagated.host, dtype=torch.bool)
    for source, host in enumerate(others):
        rows = (propagated.host == source).nonzero()[:, 0]
        corner = propagated.corner[rows]
        if source == index:
            pixels[rows] = host.points.pixels[corner]
            is_tracked[rows] = True
        elif others[index].id in host.observed:
            observed, ok = host.observed[others[index].id]
            pixels[rows], is_tracked[rows] = observed[corner], ok[corner]
    return pixels, is_tracked
