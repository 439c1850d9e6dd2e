"""Candidates for an image that may be anywhere in the map, since where it is was never known.

The global descriptor alone misses a place that is seen from half a metre aside, where matches of
local features still find it; and a session is localised once, so more time may be taken. Where two
places of the map look the same, both are candidates: who takes the first that fits is wrong half of
the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from denseba_ros.geometry import sim3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore
from denseba_ros.global_map.closing.proximity import is_same_place
from denseba_ros.matching.features import Features
from denseba_ros.matching.matches import match_features
from denseba_ros.pose_graph.graph import Doubles
from denseba_ros.slam.tracking.feature_matching import (
    CandidatePose,
    FeatureMatcher,
    best_candidates,
)

# Of the keyframes that are asked for, so many with most matches have a pose solved, and so many
# with most inliers are candidates.
_SOLVED, _BEST = 15, 3
# Features that are matched at first, the strongest: a sixth of the time of all.
_STRONGEST = 400


def agreeing(
    store: KeyframeStore,
    matcher: FeatureMatcher,
    camera: Pinhole,
    features: Features,
    numbers: list[int],
    poses: Mapping[int, Doubles],
) -> list[int]:
    """Those keyframes of ``numbers``, three at most, that agree with most ``features`` of an image
    on a pose, best first; but the second is the best that puts the image elsewhere, where there is
    one. ``poses`` S_map_camera (4, 4) of the keyframes.

    Raises:
        MapFileError: a keyframe cannot be read.
    """
    strongest = _strongest(features)
    matches = {n: len(match_features(_strongest(store.features(n)), strongest)) for n in numbers}
    best = sorted(matches, key=lambda number: matches[number], reverse=True)[:_SOLVED]
    places = [(place.keyframe, place.features) for place in map(store.place, best)]
    found = best_candidates(matcher, camera, places, features, _SOLVED)
    if len(found) > 1:
        first, others = found[0], found[1:]
        elsewhere = next((pose for pose in others if _is_elsewhere(pose, first, poses)), others[0])
        found = [first, elsewhere, *(pose for pose in others if pose is not elsewhere)]
    return [pose.keyframe.id for pose in found[:_BEST]]


def _is_elsewhere(pose: CandidatePose, other: CandidatePose, poses: Mapping[int, Doubles]) -> bool:
    """Whether two keyframes tell different places of one image."""
    one, two = (
        poses[p.keyframe.id] @ sim3.inverse(p.T_image_keyframe.cpu().numpy()) for p in (pose, other)
    )
    scale = float(sim3.scale(poses[other.keyframe.id]))
    return not is_same_place(one, two, scale * other.keyframe.points.median_depth)


def _strongest(features: Features) -> Features:
    return replace(
        features,
        places=features.places[:_STRONGEST],
        descriptors=features.descriptors[:_STRONGEST],
        scores=features.scores[:_STRONGEST],
    )
