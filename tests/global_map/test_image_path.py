"""The path follows its keyframes."""

from __future__ import annotations

import numpy as np

from denseba_ros.geometry import se3, sim3
from denseba_ros.global_map.image_path import ImagePath
from tests.global_map.path_of_keyframes import DISPLACEMENT, changes, graph_of
from tests.scaled_keyframe import keyframe


def test_images_move_with_their_keyframes() -> None:
    path = changes(8)
    graph, images = graph_of(path), ImagePath()
    truth = []
    for change in path:
        T = se3.inverse(keyframe(change.local_map.newest.stamp_ns, 1.0).T).numpy()
        T = T @ sim3.exp(np.array([0.1, 0.0, 0.05, 0.0, 0.02, 0.0, 0.0]))
        images.add(100 + len(truth), T, change.local_map, graph.unit)
        truth.append(T)
    stamps, poses = images.corrected(graph, path[-1].local_map)
    assert stamps.tolist() == [100 + k for k in range(8)]
    np.testing.assert_allclose(poses, truth, atol=1e-9)

    motion = sim3.exp(np.array([1.0, 0.0, -0.5, 0.1, 0.2, 0.0, 0.3]))
    before = graph.with_window(path[-1].local_map, DISPLACEMENT)
    graph.correct({n: motion @ S for n, S in before.poses.items()}, before, newest=7)
    _, moved = images.corrected(graph, path[-1].local_map)
    np.testing.assert_allclose(moved, [sim3.rigid(motion @ T) for T in truth], atol=1e-9)


def test_without_a_window_its_images_are_left_out() -> None:
    path = changes(5)
    images, graph = ImagePath(), graph_of(path)
    for change in path:
        images.add(change.local_map.newest.stamp_ns, np.eye(4), change.local_map, 0.0)
    stamps, _ = images.corrected(graph, None)
    assert stamps.tolist() == [0, 1]


def test_the_way_to_the_keyframe_grows_with_it() -> None:
    """Keyframe 2 grew by 1.25 after an image 0.1 to its right was tracked against it."""
    path = changes(6, growth={3: 1.25})
    images, graph = ImagePath(), graph_of(path[:3])
    T_keyframe_image = np.eye(4)
    T_keyframe_image[0, 3] = 0.1
    T = se3.inverse(path[2].local_map.newest.T).numpy() @ T_keyframe_image
    images.add(0, T, path[2].local_map, graph.unit)
    for change in path[3:]:
        graph.take(change)
    _, (pose,) = images.corrected(graph, None)
    way = sim3.inverse(graph.poses[2]) @ pose
    np.testing.assert_allclose(way[:3, 3], [0.125, 0.0, 0.0], atol=1e-9)
