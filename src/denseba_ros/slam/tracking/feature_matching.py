"""Pose of an image relative to a keyframe from learned matches alone.

They need no initial guess, and the keyframe's depth gives the scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.matching.absolute_pose import absolute_pose
from denseba_ros.matching.features import Features, XFeat
from denseba_ros.matching.matches import Matches, match_features
from denseba_ros.matching.weight_network import WeightNetwork, sampling_logits
from denseba_ros.parallel import give_way
from denseba_ros.slam.mapping.keyframe_depth import depth_at

MIN_INLIERS = 25
"""Least number of inliers of a pose."""
_FEATURES = 1000
_SAMPLES = 128
_THRESHOLD_PIXELS = 3.0
# Largest relative standard deviation of the depth of a match.
_MAX_SIGMA = 0.3
# Least ratio of the inliers' weight to that of all matches.
_MIN_WEIGHT_RATIO = 0.25


@dataclass(frozen=True)
class CandidatePose:
    """Candidate pose ``T_image_keyframe`` (4, 4) float64 of an image relative to ``keyframe``, with
    the ``pixels`` (M, 2) of its inliers in the image."""

    keyframe: WindowKeyframe
    T_image_keyframe: Tensor
    pixels: Tensor

    @property
    def inliers(self) -> int:
        """Number of inliers."""
        return len(self.pixels)


class FeatureMatcher:
    """Learned features of images, and the poses that their matches tell."""

    def __init__(self, device: torch.device, weights: WeightNetwork, seed: int) -> None:
        """``weights`` rates matches; ``seed`` of the RANSAC samples.

        Raises:
            ConfigurationError: without the package of the features.
        """
        self._network = XFeat(_FEATURES, device)
        self._weights = weights
        self._seed = seed

    def detect(self, image: Tensor) -> Features:
        """Features of a grey image (1, 1, H, W), 0-255."""
        return self._network.detect(image)

    @torch.no_grad()
    def solve(
        self, camera: Pinhole, keyframe: WindowKeyframe, matches: Matches
    ) -> CandidatePose | None:
        """Pose relative to one keyframe by RANSAC from matches between that and an image, None with
        too few inliers."""
        points, ok = _points(camera, keyframe, matches.first)
        if int(ok.sum()) < MIN_INLIERS:
            return None
        rays = camera.rays(matches.second.double())
        logits = self._logits(camera, matches)[ok]
        give_way()
        generator = torch.Generator(points.device).manual_seed(self._seed)
        threshold = _THRESHOLD_PIXELS / camera.fx
        pose = absolute_pose(points[ok], rays[ok, :2], logits, _SAMPLES, threshold, generator)
        if pose is None:
            return None
        inliers, weights = int(pose.inliers.sum()), logits.exp()
        if inliers < MIN_INLIERS:
            return None
        if weights[pose.inliers].sum() < _MIN_WEIGHT_RATIO * weights.sum():
            return None
        return CandidatePose(keyframe, pose.T_camera_points, matches.second[ok][pose.inliers])

    def _logits(self, camera: Pinhole, matches: Matches) -> Tensor:
        """Logarithms (M,) of the matches' weights by the trained network."""
        first, second = (camera.rays(x)[None, :, :2] for x in (matches.first, matches.second))
        return sampling_logits(self._weights(first, second, matches.side[None])[0])


def best_candidates(
    matcher: FeatureMatcher,
    camera: Pinhole,
    keyframes: list[tuple[WindowKeyframe, Features]],
    features: Features,
    count: int,
) -> list[CandidatePose]:
    """Poses of the image of ``features`` relative to the ``count`` keyframes with most matches,
    most inliers first."""
    matched = [(keyframe, match_features(of_it, features)) for keyframe, of_it in keyframes]
    matched.sort(key=lambda candidate: len(candidate[1]), reverse=True)
    solved = [matcher.solve(camera, *candidate) for candidate in matched[:count]]
    poses = [pose for pose in solved if pose is not None]
    return sorted(poses, key=lambda pose: pose.inliers, reverse=True)


def _points(camera: Pinhole, keyframe: WindowKeyframe, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Points (M, 3) float64 in the keyframe's frame at ``pixels`` (M, 2), and (M,) bool where the
    depth is certain enough."""
    inverse_depth, sigma = depth_at(keyframe, pixels)
    ok = (sigma < _MAX_SIGMA) & (inverse_depth > 1e-6)
    rays = camera.rays(pixels.double())
    return rays / inverse_depth.double().clamp(min=1e-6)[:, None], ok
