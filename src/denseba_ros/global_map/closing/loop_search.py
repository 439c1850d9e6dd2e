"""The search for loops: one keyframe of the window at a time, beside tracking or in lockstep."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.anywhere import agreeing
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore, as_kept
from denseba_ros.global_map.closing.loop_closer import Closed, LoopCloser
from denseba_ros.global_map.closing.place_verification import CONTRADICTION, Place, PlaceVerifier
from denseba_ros.global_map.closing.proximity import is_same_view, nearby
from denseba_ros.map_file.map_keyframe import LocalFeatures, MapKeyframe
from denseba_ros.matching.features import Features
from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.place_recognition.vlad import Vlad
from denseba_ros.pose_graph.graph import Doubles, Edge, PoseGraph
from denseba_ros.slam.tracking.feature_matching import FeatureMatcher
from denseba_ros.slam.tracking.tracker import Tracker

# Candidates that are aligned with the keyframe: by their looks, and by where they are.
_ALIKE, _NEARBY = 3, 2
# Keyframes that local features are matched with, where the image may be anywhere in the map.
_ANYWHERE = 100
# The same near where it is said to be (``Query.hint``), which are times as far as measured poses.
_HINTED, _HINT_REACH = 15, 2.0


@dataclass(frozen=True)
class Query:
    """Keyframe ``number`` of the window, and the ``poses`` of all with it as the newest one; their
    ``edges`` are worked out when there is a candidate.

    ``neighbours`` are the numbers of those that see the same now, which are no candidates;
    ``units`` are theirs in ``graph``; ``displacement`` as in ``WindowChange``. Keyframes from
    ``first`` on are not yet of one piece with the others, and those ``fixed`` do not move.
    ``hint``: S_map_camera (4, 4) of the keyframe as somebody says it is, as long as no place of
    the others was recognised.
    """

    number: int
    keyframe: WindowKeyframe
    poses: Mapping[int, Doubles]
    edges: Callable[[], list[Edge]]
    neighbours: tuple[int, ...]
    units: Mapping[int, float]
    displacement: float
    first: int | None = None
    fixed: Collection[int] = ()
    hint: Doubles | None = None

    @cached_property
    def graph(self) -> PoseGraph:
        """All keyframes with the edges between them."""
        return PoseGraph(dict(self.poses), self.edges())


@dataclass(frozen=True)
class Described:
    """Features and ``descriptor`` (D,) of the image of keyframe ``number``."""

    number: int
    features: LocalFeatures
    descriptor: NDArray[np.float32]

    def added_to(self, keyframe: MapKeyframe) -> MapKeyframe:
        """The keyframe with them."""
        return replace(keyframe, features=self.features, descriptor=self.descriptor)


@dataclass(frozen=True)
class Found:
    """What a query gave: the features of its image, its global ``descriptor`` (D,), and ``closed``
    where loops were closed."""

    query: Query
    features: LocalFeatures
    descriptor: NDArray[np.float32]
    closed: Closed | None

    @property
    def described(self) -> Described:
        """What is in the image."""
        return Described(self.query.number, self.features, self.descriptor)


@dataclass(frozen=True)
class MeasuredAgain:
    """Closures of a keyframe, measured with its final depths: ``edges``, and the ``contradicted``,
    whose two alignments agree no more. ``same_view``: an older keyframe that shows the same; None
    where there is none."""

    number: int
    edges: list[Edge]
    contradicted: list[Edge]
    same_view: int | None


@dataclass
class LoopSearch:
    """Searches for loops with the places of ``store`` that ``index`` finds; ``closer`` counts."""

    store: KeyframeStore
    matcher: FeatureMatcher
    vlad: Vlad
    index: PlaceIndex
    tracker: Tracker
    verifier: PlaceVerifier = field(init=False)
    closer: LoopCloser = field(init=False)

    def __post_init__(self) -> None:
        self.verifier = PlaceVerifier(self.matcher, self.tracker)
        self.closer = LoopCloser(self.verifier, self._place)
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
            edges = self.closer.verified(
                query.number, likely, query.graph, query.units, query.displacement, query.first
            )
            if edges:
                fixed = [*query.fixed] or [edges[-1].first]
                closed = self.closer.close(query.graph, edges, fixed, query.first)
        return Found(query, as_kept(features), descriptor, closed)

    @torch.no_grad()
    def described(self, number: int) -> Described:
        """Features and descriptor of a keyframe of the map, from its image.

        Raises:
            MapFileError: it cannot be read.
        """
        image = torch.from_numpy(self.store.get(number).image.astype(np.float32))[None, None]
        features = self.matcher.detect(image.to(self.store.device))
        return Described(number, as_kept(features), self.describe(features))

    @torch.no_grad()
    def measure_again(
        self,
        number: int,
        closures: list[Edge],
        poses: Mapping[int, Doubles],
        excluded: Collection[int],
        displacement: float,
    ) -> MeasuredAgain:
        """Measure the ``closures`` of keyframe ``number``, which has left the window since: its
        depths are better known than when it was the newest one. What cannot be measured again
        stays as it is. ``poses`` of the keyframes in the map; those ``excluded`` are not asked
        whether they show the same."""
        edges, contradicted = [], []
        self._newest = None
        for closure in closures:
            edge, reason = self.closer.measured_again(closure, displacement)
            if edge is not None:
                edges.append(edge)
            elif reason == CONTRADICTION:
                contradicted.append(closure)
        self.closer.counts["measured again"] += len(edges)
        self.closer.counts["taken back: contradicted by the final depths"] += len(contradicted)
        close = nearby(poses, number, self.depth(number), {*excluded, number}, 1)
        measured = [(edge.first, edge.S_first_second) for edge in edges]
        measured += [(old, sim3.inverse(poses[old]) @ poses[number]) for old in close]
        same = [old for old, S in measured if is_same_view(S, self.depth(old), self._field_of_view)]
        return MeasuredAgain(number, edges, contradicted, next(iter(same), None))

    def depth(self, number: int) -> float:
        """Median depth of a keyframe of the map, in its own unit."""
        return float(1.0 / np.median(self.store.get(number).inverse_depth))

    @property
    def _field_of_view(self) -> float:
        camera = self.tracker.camera
        return float(2.0 * np.arctan2(0.5 * max(camera.width, camera.height), camera.fx))

    def describe(self, features: Features) -> NDArray[np.float32]:
        """Descriptor (D,) of an image with these features."""
        return self.vlad.describe(features.descriptors.cpu().numpy())

    def _candidates(
        self, query: Query, descriptor: NDArray[np.float32], features: Features
    ) -> list[int]:
        """Numbers of the keyframes that may show the same place."""
        if query.first is not None:
            near = self._near_hint(query, query.first)
            return self._agreeing(features, near, query.poses) or self._agreeing(
                features, self._alike(descriptor, query.first), query.poses
            )
        alike = self.index.search(
            descriptor, query.neighbours, lambda number: number >= query.number, _ALIKE
        )
        chosen = [c.id for c in alike if c.relative >= self.vlad.threshold]
        depth = query.keyframe.points.median_depth
        known = {n: S for n, S in query.poses.items() if n in self.index or n == query.number}
        excluded = {*query.neighbours, *chosen} - {query.number}
        return chosen + nearby(known, query.number, depth, excluded, _NEARBY)

    def _alike(self, descriptor: NDArray[np.float32], first: int) -> list[int]:
        """Numbers before ``first`` of the keyframes that look most like an image."""
        alike = self.index.search(descriptor, (), lambda number: number >= first, _ANYWHERE)
        return [candidate.id for candidate in alike]

    def _near_hint(self, query: Query, first: int) -> list[int]:
        """Numbers before ``first`` of the keyframes near where the image is said to be."""
        if query.hint is None:
            return []
        poses = {n: S for n, S in query.poses.items() if n < first and n in self.index}
        depth = query.keyframe.points.median_depth
        poses[query.number] = query.hint
        return nearby(poses, query.number, depth, (), _HINTED, _HINT_REACH)

    def _agreeing(
        self, features: Features, numbers: list[int], poses: Mapping[int, Doubles]
    ) -> list[int]:
        if not numbers:
            return []
        return agreeing(self.store, self.matcher, self.tracker.camera, features, numbers, poses)

    def _place(self, number: int) -> Place:
        if self._newest is not None and self._newest[0] == number:
            return self._newest[1]
        return self.store.place(number)
