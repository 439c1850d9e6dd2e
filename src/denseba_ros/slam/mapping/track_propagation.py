"""Corners that the window knows are handed on to a new keyframe with depth and observations.

So a new keyframe starts with corners of known depth, and only the places between them get new
ones. A track lives on through many keyframes instead of being found anew in each.
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

# A corner found farther than this from its projection (pixels) is not handed on.
_AGREES = 3.0


@dataclass(frozen=True)
class PropagatedTracks:
    """Corners of the window seen again in a new image.

    ``pixels`` (M, 2) there, ``inverse_depth`` (M,) there, ``relative_sigma`` (M,), ``host`` (M,)
    index of the keyframe and ``corner`` (M,) index in it that each comes from.
    """

    pixels: Tensor
    inverse_depth: Tensor
    relative_sigma: Tensor
    host: Tensor
    corner: Tensor

    def first(self, count: int) -> PropagatedTracks:
        """At most ``count`` of them."""
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
    """Look for the corners of ``others`` in the image of keyframe ``new_id`` at T_camera_world.

    Every corner found is observed there; up to ``count`` of those that agree with their depth are
    handed on, the newest keyframes' first, one per cell of ``spacing`` pixels. None without
    ``others``.
    """
    parts = []
    taken: set[tuple[int, int]] = set()
    for index in reversed(range(len(others))):
        host = others[index]
        observations = track_features(camera, host, grey, T)
        host.observed[new_id] = (observations.pixels, observations.is_tracked)
        error = torch.linalg.vector_norm(observations.pixels - observations.projected, dim=1)
        sigma = host.points.relative_sigma[: host.points.corners]
        corner = (observations.is_tracked & (error < _AGREES) & (sigma < VAGUE)).nonzero()[:, 0]
        corner = corner[_free(observations.pixels[corner], spacing, taken)]
        part = (observations.pixels[corner], observations.inverse_depth[corner], sigma[corner])
        parts.append(PropagatedTracks(*part, torch.full_like(corner, index), corner))
    return PropagatedTracks.joined(parts).first(count) if parts else None


def _free(pixels: Tensor, spacing: float, taken: set[tuple[int, int]]) -> list[int]:
    """Which of the places (M, 2) fall into cells that are not ``taken`` yet; takes them."""
    keep = []
    for row, (x, y) in enumerate((pixels / spacing).floor().long().tolist()):
        if (x, y) not in taken:
            taken.add((x, y))
            keep.append(row)
    return keep


def new_corners(
    grey: Grey, count: int, spacing: float, propagated: PropagatedTracks | None
) -> Tensor:
    """Corners (M, 2), M up to ``count``: those handed on first, then new ones between them."""
    if propagated is None:
        return torch.from_numpy(detect_corners(grey, count))
    pixels = propagated.pixels.cpu()
    fresh = detect_corners(grey, count, pixels.numpy(), spacing)
    return torch.cat([pixels, torch.from_numpy(fresh)])[:count]


def track_back(
    camera: Pinhole,
    new: WindowKeyframe,
    others: list[WindowKeyframe],
    propagated: PropagatedTracks | None,
) -> None:
    """Observe the new keyframe's corners in the others: those handed on where the window saw
    them already, the new ones by optical flow in the newest."""
    if propagated is None:
        return
    f, m = new.points.corners, len(propagated.pixels)
    fresh = torch.arange(f, device=new.points.pixels.device) >= m
    for index, other in enumerate(others):
        pixels = new.points.pixels.new_zeros(f, 2)
        is_tracked = torch.zeros_like(fresh)
        if index >= len(others) - TRACKED_BACK:
            observations = track_features(camera, new, other.grey, other.T, fresh)
            pixels, is_tracked = observations.pixels, observations.is_tracked
        pixels[:m], is_tracked[:m] = _seen_before(others, index, propagated)
        new.observed[other.id] = (pixels, is_tracked)


def _seen_before(
    others: list[WindowKeyframe], index: int, propagated: PropagatedTracks
) -> tuple[Tensor, Tensor]:
    """Where keyframe ``index`` of ``others`` sees what was handed on: (M, 2) and (M,) bool."""
    pixels = torch.zeros_like(propagated.pixels)
    is_tracked = torch.zeros_like(propagated.host, dtype=torch.bool)
    for source, host in enumerate(others):
        rows = (propagated.host == source).nonzero()[:, 0]
        corner = propagated.corner[rows]
        if source == index:
            pixels[rows] = host.points.pixels[corner]
            is_tracked[rows] = True
        elif others[index].id in host.observed:
            place, ok = host.observed[others[index].id]
            pixels[rows], is_tracked[rows] = place[corner], ok[corner]
    return pixels, is_tracked
