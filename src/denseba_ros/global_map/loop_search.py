"""The search for loops: one keyframe of the window at a time, beside tracking or in lockstep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.global_map.anywhere import agreeing
from denseba_ros.global_map.keyframe_store import KeyframeStore, as_kept
from denseba_ros.global_map.loop_closer import Closed, LoopCloser
from denseba_ros.global_map.place_verification import Place, PlaceVerifier
from denseba_ros.global_map.proximity import nearby
from denseba_ros.map_file.map_keyframe import LocalFeatures
from denseba_ros.matching.features import Features
from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.place_recognition.vlad import Vlad
from denseba_ros.pose_graph.graph import PoseGraph
from denseba_ros.slam.tracking.feature_matching import FeatureMatcher
from denseba_ros.slam.tracking.tracker import Tracker

# Candidates that are aligned with the keyframe: by their looks, and by where they are.
_ALIKE, _NEARBY = 3, 2
# Keyframes that local features are matched with, where the image may be anywhere in the map.
_ANYWHERE = 100


@dataclass(frozen=True)
class Query:
    """Keyframe ``number`` of the window, and the ``graph`` with it as the newest one.

    ``neighbours`` are the numbers of those that see the same now, which are no candidates;
    ``units`` are theirs in ``graph``; ``displacement`` as in ``WindowChange``. Keyframes from
    ``first`` on are not yet of one piece with the others, and those before ``fixed_before`` do not
    move.
    """

    number: int
    keyframe: WindowKeyframe
    graph: PoseGraph
    neighbours: tuple[int, ...]
    units: Mapping[int, float]
    displacement: float
    first: int | None = None
    fixed_before: int | None = None


@dataclass(frozen=True)
class Found:
    """What a query gave: the features of its image, its global ``descriptor`` (D,), and ``closed``
    where loops were closed."""

    query: Query
    features: LocalFeatures
    descriptor: NDArray[np.float32]
    closed: Closed | None


@dataclass
class LoopSearch:
    """Searches for loops with the places of ``store`` that ``index`` finds; ``closer`` counts."""

    store: KeyframeStore
    matcher: FeatureMatcher
    vlad: Vlad
    index: PlaceIndex
    tracker: Tracker
    closer: LoopCloser = field(init=False)

    def __post_init__(self) -> None:
        self.closer = LoopCloser(PlaceVerifier(self.matcher, self.tracker), self._place)
        self._newest: tuple[int, Place] | None = None

    @torch.no_grad()
    def run(self, query: Query) -> Found:
        """Search for one keyframe."""
        features = self.matcher.detect(query.keyframe.pyramid[0][:, :1])
        descriptor = self.describe(features)
        self._newest = query.number, Place(query.keyframe, features)
        likely = self._candidates(query, descriptor, features)
        closed = None
        if likely:
            self.closer.counts["places tried"] += len(likely)
            edges = self.closer.verified(
                query.number, likely, query.graph, query.units, query.displacement, query.first
            )
            if edges:
                fixed = (
                    [edges[-1].first]
                    if query.fixed_before is None
                    else [n for n in query.graph.poses if n < query.fixed_before]
                )
                closed = self.closer.close(query.graph, edges, fixed, query.first)
        return Found(query, as_kept(features), descriptor, closed)

    def describe(self, features: Features) -> NDArray[np.float32]:
        """Descriptor (D,) of an image with these features."""
        return self.vlad.describe(features.descriptors.cpu().numpy())

    def _candidates(
        self, query: Query, descriptor: NDArray[np.float32], features: Features
    ) -> list[int]:
        """Numbers of the keyframes that may show the same place."""
        if query.first is not None:
            earlier = self.index.search(
                descriptor, (), lambda number: number >= (query.first or 0), _ANYWHERE
            )
            numbers = [candidate.id for candidate in earlier]
            return agreeing(self.store, self.matcher, self.tracker.camera, features, numbers)
        alike = self.index.search(
            descriptor, query.neighbours, lambda number: number >= query.number, _ALIKE
        )
        chosen = [c.id for c in alike if c.relative >= self.vlad.threshold]
        depth = query.keyframe.points.median_depth
        known = {n: S for n, S in query.graph.poses.items() if n in self.index or n == query.number}
        excluded = {*query.neighbours, *chosen} - {query.number}
        return chosen + nearby(known, query.number, depth, excluded, _NEARBY)

    def _place(self, number: int) -> Place:
        if self._newest is not None and self._newest[0] == number:
            return self._newest[1]
        return self.store.place(number)
