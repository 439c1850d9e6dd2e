"""Do two keyframes show the same place, and how do they lie to each other? The upper rungs.

Learned matches give a first pose. Then each image is aligned with the points of the other
keyframe, which are two measurements of one motion that share no depth: they must agree. The depths
of both tell the ratio of their units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import se3, sim3
from denseba_ros.geometry.pinhole import Pinhole, project_by
from denseba_ros.geometry.pyramid import inside
from denseba_ros.matching.features import Features
from denseba_ros.matching.matches import match_features
from denseba_ros.parallel import give_way
from denseba_ros.pose_graph.graph import Doubles
from denseba_ros.slam.mapping.keyframe_depth import depth_at
from denseba_ros.slam.state.pose_covariance import pose_covariance
from denseba_ros.slam.tracking.feature_matching import CandidatePose, FeatureMatcher
from denseba_ros.slam.tracking.keyframe_tracker import KeyframeTracker
from denseba_ros.slam.tracking.tracker import Alignment, Tracker
from denseba_ros.slam.tracking.tracking_quality import reason_lost

# Matches that a pose is solved from: two views of one place that have more have enough.
_MATCHES = 400
# Inliers must lie in so many of the cells of a grid of _GRID x _GRID over the image.
_GRID, _MIN_CELLS = 6, 6
# Points whose relative deviation of depth is larger say nothing of the scale.
_MAX_SIGMA = 0.15
# Least number of points that both keyframes know the depth of.
_MIN_COMMON = 60
# Largest difference of both measurements: of rotations (radians), and of positions over the depth.
_MAX_TURN, _MAX_SHIFT = 0.015, 0.04
# Relative deviation of the depths of a keyframe that left the window.
_DEPTH_SIGMA = 0.02
# Standard deviation of the log ratio of the units that no number of points takes away.
_MIN_SCALE_SIGMA = 0.01
# Points of one surface err together: so many count as one.
_CORRELATED = 20.0


CONTRADICTION = "both alignments differ"
"""Reason of a refusal, not for want of points but by what they say."""


@dataclass(frozen=True)
class Place:
    """A keyframe of the map with its ``features``, ready for images to be aligned with it."""

    keyframe: WindowKeyframe
    features: Features


@dataclass(frozen=True)
class Verification:
    """``reason``: why the two are not linked, empty where they are, and ``detail`` in figures.
    ``S_old_new`` (4, 4) float64 and its ``covariance`` (7, 7), perturbed on the left; ``inliers``
    among the matches."""

    reason: str
    detail: str = ""
    inliers: int = 0
    S_old_new: Doubles | None = None
    covariance: Doubles | None = None


class PlaceVerifier:
    """Verifies pairs of keyframes of one camera."""

    def __init__(self, matcher: FeatureMatcher, tracker: Tracker) -> None:
        """``matcher`` of features; ``tracker`` with the camera and the noise of its images."""
        self._matcher, self._tracker = matcher, tracker

    @torch.no_grad()
    def verify(self, old: Place, new: Place, displacement: float) -> Verification:
        """Link two keyframes; ``displacement`` of the image, as ``PoseCovariance`` has it."""
        give_way()
        matches = match_features(old.features, new.features).strongest(_MATCHES)
        pose = self._matcher.solve(self._tracker.camera, old.keyframe, matches)
        if pose is None:
            return Verification("too few matches agree on a pose")
        if _cells(self._tracker.camera, pose) < _MIN_CELLS:
            return Verification("the matches lie in one part of the image", inliers=pose.inliers)
        return self.aligned(old, new, pose.T_image_keyframe, displacement, pose.inliers)

    @torch.no_grad()
    def aligned(
        self, old: Place, new: Place, T_new_old: Tensor, displacement: float, inliers: int = 0
    ) -> Verification:
        """Link two keyframes whose relative pose is known about, T_new_old (4, 4) in the unit of
        the old one; ``inliers`` of what it is known by."""
        forward = self._align(old.keyframe, new.keyframe, T_new_old)
        if reason := reason_lost(forward):
            return Verification("the alignment failed", reason, inliers)
        ratio = _log_ratio(self._tracker.camera, old.keyframe, new.keyframe, forward.T)
        if ratio is None:
            return Verification("too few depths are known in both", inliers=inliers)
        log_scale, sigma = ratio
        T_old_new = se3.inverse(forward.T)
        T_old_new[:3, 3] *= float(np.exp(-log_scale))  # in the unit of the new keyframe
        backward = self._align(new.keyframe, old.keyframe, T_old_new)
        if reason := reason_lost(backward):
            return Verification("the alignment failed", reason, inliers)
        return self._combine(
            old, new, forward.T, backward.T, (log_scale, sigma), displacement, inliers
        )

    def _align(self, keyframe: WindowKeyframe, image: WindowKeyframe, T: Tensor) -> Alignment:
        """Align the image of one keyframe with the points of another, T_image_keyframe (4, 4)."""
        give_way()
        tracker = self._tracker
        reference = KeyframeTracker(tracker, keyframe)
        give_way()
        return reference.align_view(tracker, image.grey, image.pyramid, T)

    def _combine(
        self,
        old: Place,
        new: Place,
        forward: Tensor,
        backward: Tensor,
        ratio: tuple[float, float],
        displacement: float,
        inliers: int,
    ) -> Verification:
        """Mean of both measurements where they agree: ``forward`` T_new_old in the unit of the old
        keyframe, ``backward`` T_old_new in that of the new one."""
        log_scale, sigma = ratio
        scale = float(np.exp(log_scale))
        one = se3.inverse(forward).cpu().numpy()
        other = backward.cpu().numpy().copy()
        other[:3, 3] *= scale
        difference = sim3.log(other @ sim3.inverse(one))
        depth = old.keyframe.points.median_depth
        turn, shift = np.linalg.norm(difference[3:6]), np.linalg.norm(difference[:3]) / depth
        if turn > _MAX_TURN or shift > _MAX_SHIFT:
            detail = f"{np.degrees(turn):.1f} degrees, {shift:.0%} of the depth"
            return Verification(CONTRADICTION, detail, inliers)
        T = sim3.exp(0.5 * difference) @ one
        camera, T_new_old = self._tracker.camera, sim3.inverse(T)
        pose = pose_covariance(camera, old.keyframe, T_new_old, displacement, _DEPTH_SIGMA)
        if pose is None:
            return Verification("too few points are seen by both", inliers=inliers)
        axes = sim3.adjoint(T)[:6, :6]
        spread = np.concatenate([np.full(3, shift * depth), np.full(3, turn)])
        covariance = np.zeros((7, 7))
        covariance[:6, :6] = axes @ pose @ axes.T + np.diag(0.25 * spread**2)
        covariance[6, 6] = sigma**2
        S = T.copy()
        S[:3, :3] *= scale
        return Verification("", "", inliers, S, covariance)


def _cells(camera: Pinhole, pose: CandidatePose) -> int:
    """Number of cells of the image that have an inlier."""
    size = pose.pixels.new_tensor([camera.width, camera.height])
    cells = (pose.pixels / size * _GRID).long().clamp(0, _GRID - 1)
    return int(torch.unique(cells[:, 0] * _GRID + cells[:, 1]).numel())


def _log_ratio(
    camera: Pinhole, old: WindowKeyframe, new: WindowKeyframe, T_new_old: Tensor
) -> tuple[float, float] | None:
    """Logarithm of old units per new unit, and its deviation, from depths that both know."""
    points = old.points
    known = points.valid & (points.relative_sigma < _MAX_SIGMA)
    rays = camera.rays(points.pixels[known])
    seen = project_by(camera, rays, points.inverse_depth[known], T_new_old)
    ok = seen.in_front & inside(seen.pixels, camera.width, camera.height, 2.0)
    inverse_depth, sigma = depth_at(new, seen.pixels)
    ok = ok & (sigma < _MAX_SIGMA) & (inverse_depth > 1e-6)
    if int(ok.sum()) < _MIN_COMMON:
        return None
    xyz = rays.double() / points.inverse_depth[known].double()[:, None]
    depth = (xyz @ T_new_old[:3, :3].T + T_new_old[:3, 3])[:, 2]
    log = torch.log(depth.clamp(min=1e-6)[ok] * inverse_depth[ok].double())
    median = log.median()
    scatter = 1.4826 * float((log - median).abs().median())
    deviation = 1.25 * scatter * (_CORRELATED / int(ok.sum())) ** 0.5
    return float(median), float(np.hypot(deviation, _MIN_SCALE_SIGMA))
