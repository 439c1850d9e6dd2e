"""Candidates for an image that may be anywhere in the map, since where it is was never known.

The global descriptor alone misses a place that is seen from half a metre aside, where matches of
local features still find it; and a session is localised once, so more time may be taken.
"""

from __future__ import annotations

from dataclasses import replace

from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore
from denseba_ros.matching.features import Features
from denseba_ros.matching.matches import match_features
from denseba_ros.slam.tracking.feature_matching import FeatureMatcher, best_candidates

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
) -> list[int]:
    """Those keyframes of ``numbers``, three at most, that agree with most ``features`` of an image
    on a pose, best first.

    Raises:
        MapFileError: a keyframe cannot be read.
    """
    strongest = _strongest(features)
    matches = {n: len(match_features(_strongest(store.features(n)), strongest)) for n in numbers}
    best = sorted(matches, key=lambda number: matches[number], reverse=True)[:_SOLVED]
    places = [(place.keyframe, place.features) for place in map(store.place, best)]
    poses = best_candidates(matcher, camera, places, features, _SOLVED)
    return [pose.keyframe.id for pose in poses[:_BEST]]


def _strongest(features: Features) -> Features:
    return replace(
        features,
        places=features.places[:_STRONGEST],
        descriptors=features.descriptors[:_STRONGEST],
        scores=features.scores[:_STRONGEST],
    )
