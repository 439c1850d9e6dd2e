"""Corners that the window knows are handed on to a new keyframe with depth and observations.

So a new keyframe starts with corners of known depth, and only the places between them get new
ones. A track lives on through many keyframes instead of being found anew in each.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.features.optical_flow import Grey, detect_corners
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.mapping.feature_tracking import MATCHED_BACK, look_for
from denseba_ros.slam.mapping.keyframe_depth import VAGUE

# A corner found farther than this from its projection (pixels) is not handed on.
_AGREES = 3.0


@dataclass(frozen=True)
class HandedOn:
    """Corners of the window seen again in a new image.

    ``places`` (M, 2) there, ``inverse_depth`` (M,) there, ``relative_sigma`` (M,), ``host`` (M,)
    index of the keyframe and ``corner`` (M,) index in it that each comes from.
    """

    places: Tensor
    inverse_depth: Tensor
    relative_sigma: Tensor
    host: Tensor
    corner: Tensor

    def first(self, count: int) -> HandedOn:
        """At most ``count`` of them."""
        return HandedOn(*(getattr(self, f.name)[:count] for f in fields(self)))

    @classmethod
    def joined(cls, parts: list[HandedOn]) -> HandedOn:
        """All of ``parts`` (at least one) in order."""
        return cls(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(cls)))


def hand_on(
    camera: Pinhole,
    others: list[WindowKeyframe],
    new_id: int,
    grey: Grey,
    T: Tensor,
    count: int,
    spacing: float,
) -> HandedOn | None:
    """Look for the corners of ``others`` in the image of keyframe ``new_id`` at T_camera_world.

    Every corner found is observed there; up to ``count`` of those that agree with their depth are
    handed on, the newest keyframes' first, one per cell of ``spacing`` pixels. None without
    ``others``.
    """
    parts = []
    taken: set[tuple[int, int]] = set()
    for index in reversed(range(len(others))):
        host = others[index]
        sighting = look_for(camera, host, grey, T)
        host.observed[new_id] = (sighting.places, sighting.found)
        error = torch.linalg.vector_norm(sighting.places - sighting.projected, dim=1)
        sigma = host.points.relative_sigma[: host.points.corners]
        corner = (sighting.found & (error < _AGREES) & (sigma < VAGUE)).nonzero()[:, 0]
        corner = corner[_free(sighting.places[corner], spacing, taken)]
        part = (sighting.places[corner], sighting.inverse_depth[corner], sigma[corner])
        parts.append(HandedOn(*part, torch.full_like(corner, index), corner))
    return HandedOn.joined(parts).first(count) if parts else None


def _free(places: Tensor, spacing: float, taken: set[tuple[int, int]]) -> list[int]:
    """Which of the places (M, 2) fall into cells that are not ``taken`` yet; takes them."""
    keep = []
    for row, (x, y) in enumerate((places / spacing).floor().long().tolist()):
        if (x, y) not in taken:
            taken.add((x, y))
            keep.append(row)
    return keep


def new_corners(grey: Grey, count: int, spacing: float, handed: HandedOn | None) -> Tensor:
    """Corners (M, 2), M up to ``count``: those handed on first, then new ones between them."""
    if handed is None:
        return torch.from_numpy(detect_corners(grey, count))
    places = handed.places.cpu()
    fresh = detect_corners(grey, count, places.numpy(), spacing)
    return torch.cat([places, torch.from_numpy(fresh)])[:count]


def match_back(
    camera: Pinhole, new: WindowKeyframe, others: list[WindowKeyframe], handed: HandedOn | None
) -> None:
    """Observe the new keyframe's corners in the others: those handed on where the window saw
    them already, the new ones by optical flow in the newest."""
    if handed is None:
        return
    f, m = new.points.corners, len(handed.places)
    fresh = torch.arange(f, device=new.points.pixels.device) >= m
    for index, other in enumerate(others):
        places = new.points.pixels.new_zeros(f, 2)
        found = torch.zeros_like(fresh)
        if index >= len(others) - MATCHED_BACK:
            sighting = look_for(camera, new, other.grey, other.T, fresh)
            places, found = sighting.places, sighting.found
        places[:m], found[:m] = _seen_before(others, index, handed)
        new.observed[other.id] = (places, found)


def _seen_before(
    others: list[WindowKeyframe], index: int, handed: HandedOn
) -> tuple[Tensor, Tensor]:
    """Where keyframe ``index`` of ``others`` sees what was handed on: (M, 2) and (M,) bool."""
    places = torch.zeros_like(handed.places)
    found = torch.zeros_like(handed.host, dtype=torch.bool)
    for source, host in enumerate(others):
        rows = (handed.host == source).nonzero()[:, 0]
        corner = handed.corner[rows]
        if source == index:
            places[rows] = host.points.pixels[corner]
            found[rows] = True
        elif others[index].id in host.observed:
            place, ok = host.observed[others[index].id]
            places[rows], found[rows] = place[corner], ok[corner]
    return places, found
