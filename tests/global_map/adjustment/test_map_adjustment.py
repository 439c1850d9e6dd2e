"""A map whose poses and unit drifted lies afterwards where its images say: exact views of the
rendered room."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import sim3
from denseba_ros.global_map.adjustment.map_adjustment import MapAdjustment, adjust_map
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore
from denseba_ros.global_map.closing.records import record
from denseba_ros.pose_graph.graph import Edge, PoseGraph
from tests.global_map.conftest import CAMERA, ROOM

Make = Callable[..., WindowKeyframe]
IMAGES = {0: 4, 1: 6, 2: 8, 3: 10, 4: 8, 5: 6}
LOOSE = np.diag(np.repeat([0.3, 0.1, 0.1], [3, 3, 1]) ** 2)
DRIFT = sim3.exp(np.array([0.02, -0.015, 0.015, 0.004, 0.008, 0.0, 0.01]))


def true_pose(image: int) -> np.ndarray:
    """Seen from the first keyframe."""
    return np.linalg.inv(ROOM.pose(IMAGES[0])) @ ROOM.pose(image)


@pytest.fixture(scope="module")
def store(exact_keyframe: Make) -> KeyframeStore:
    store = KeyframeStore(torch.device("cpu"))
    for number, image in IMAGES.items():
        store.add(record(exact_keyframe(image), number, 0))
    return store


def drifted(covariance: np.ndarray = LOOSE) -> PoseGraph:
    poses, edges = {0: np.eye(4)}, []
    for number, image in list(IMAGES.items())[1:]:
        S = DRIFT @ sim3.inverse(true_pose(IMAGES[number - 1])) @ true_pose(image)
        poses[number] = poses[number - 1] @ S
        edges.append(Edge(number - 1, number, S, covariance))
    return PoseGraph(poses, edges)


def largest_errors(poses: dict[int, np.ndarray]) -> tuple[float, float, float]:
    """Of position after alignment of the unit, rotation, and log scale."""
    xi = np.array(
        [
            sim3.log(sim3.inverse(poses[0]) @ poses[n] @ sim3.inverse(true_pose(image)))
            for n, image in IMAGES.items()
        ]
    )
    return tuple(np.abs(xi[:, part]).max() for part in (slice(3), slice(3, 6), 6))  # type: ignore


@pytest.fixture(scope="module")
def adjusted(store: KeyframeStore) -> MapAdjustment:
    return adjust_map(CAMERA, store, drifted())


def test_a_drifted_map_comes_to_rest_where_its_images_say(adjusted: MapAdjustment) -> None:
    before = largest_errors(drifted().poses)
    after = largest_errors(adjusted.poses)
    assert before[0] > 0.05
    assert before[1] > np.radians(1.5)
    assert after[0] < 0.015
    assert after[1] < np.radians(0.15)
    # The drift of the unit over the path, not the unit itself.
    scales = np.log([float(sim3.scale(adjusted.poses[n])) for n in IMAGES])
    drift = np.log([float(sim3.scale(drifted().poses[n])) for n in IMAGES])
    assert np.ptp(scales) < 0.35 * np.ptp(drift)


def test_where_images_say_enough_no_link_counts(store: KeyframeStore) -> None:
    sure = np.diag(np.repeat([0.3, 1e-4, 0.1], [3, 3, 1]) ** 2)
    after = largest_errors(adjust_map(CAMERA, store, drifted(sure)).poses)
    assert after[0] < 0.015
    assert after[1] < np.radians(0.15)


def test_the_unit_of_the_map_is_any(store: KeyframeStore, adjusted: MapAdjustment) -> None:
    graph, double = drifted(), np.diag([2.0, 2.0, 2.0, 1.0])
    other = PoseGraph({n: double @ S for n, S in graph.poses.items()}, graph.edges)
    for number, S in adjust_map(CAMERA, store, other).poses.items():
        np.testing.assert_allclose(S, double @ adjusted.poses[number], atol=2e-3)


def test_what_is_counted(adjusted: MapAdjustment) -> None:
    assert adjusted.pairs >= 20
    assert adjusted.observations > 500
    assert adjusted.error_after < 0.3 < adjusted.error_before
    assert adjusted.summary()["points"] == adjusted.points
    # The rendered camera is exact.
    assert adjusted.summary()["focal_length_over_calibration"] == pytest.approx(1.0, abs=4e-3)
    assert adjusted.summary()["radial_distortion"] == pytest.approx(0.0, abs=4e-3)


def test_what_is_fixed_does_not_move(store: KeyframeStore) -> None:
    graph = drifted()
    adjusted = adjust_map(CAMERA, store, graph, fixed=[0, 1, 2])
    for number in (0, 1, 2):
        np.testing.assert_allclose(adjusted.poses[number][:3, 3], graph.poses[number][:3, 3])
    moved = adjusted.poses[5][:3, 3] - graph.poses[5][:3, 3]
    assert np.linalg.norm(moved) > 1e-3


def test_the_same_again_is_the_same(store: KeyframeStore, adjusted: MapAdjustment) -> None:
    again = adjust_map(CAMERA, store, drifted())
    for number, S in adjusted.poses.items():
        np.testing.assert_array_equal(again.poses[number], S)


def test_a_keyframe_without_points_is_held_by_its_links(exact_keyframe: Make) -> None:
    store = KeyframeStore(torch.device("cpu"))
    for number, image in IMAGES.items():
        keyframe = exact_keyframe(image)
        if number == 5:
            keyframe.points.valid = torch.zeros_like(keyframe.points.valid)
            keyframe.pyramid = [torch.zeros_like(level) for level in keyframe.pyramid]
        store.add(record(keyframe, number, 0))
    graph = drifted()
    adjusted = adjust_map(CAMERA, store, graph)
    expected = graph.edges[-1].S_first_second
    found = sim3.inverse(sim3.rigid(adjusted.poses[4])) @ sim3.rigid(adjusted.poses[5])
    np.testing.assert_allclose(found[:3, :3], sim3.rigid(expected)[:3, :3], atol=1e-3)
    # Its unit grows as that of the keyframe before.
    growth = [sim3.scale(adjusted.poses[n]) / sim3.scale(graph.poses[n]) for n in (4, 5)]
    assert growth[0] == pytest.approx(growth[1])


def test_progress_sees_all_pairs(store: KeyframeStore) -> None:
    told: list[int] = []
    adjust_map(CAMERA, store, drifted(), progress=lambda pairs: told.append(len(pairs)) or pairs)
    assert told == [len(set(IMAGES)) * 5]
