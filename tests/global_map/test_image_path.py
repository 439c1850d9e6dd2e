"""The path follows its keyframes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from denseba_ros.geometry import se3, sim3
from denseba_ros.global_map.image_path import ImagePath
from denseba_ros.slam.mapping.local_map import LocalMap
from denseba_ros.slam.mapping.window_history import WindowChange
from tests.global_map.path_of_keyframes import DISPLACEMENT, changes, graph_of
from tests.scaled_keyframe import CAMERA, keyframe

WAY = np.array([1.0, 0.2, -0.5, 0.1, 0.3, 0.0, 0.0])


def test_images_move_with_their_keyframes() -> None:
    path = changes(8)
    graph, images = graph_of(path), ImagePath()
    truth = []
    for change in path:
        T = se3.inverse(keyframe(change.local_map.newest.stamp_ns, 1.0).T).numpy()
        T = T @ sim3.exp(np.array([0.1, 0.0, 0.05, 0.0, 0.02, 0.0, 0.0]))
        images.add(100 + len(truth), T, change.local_map, graph)
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
        images.add(change.local_map.newest.stamp_ns, np.eye(4), change.local_map, graph)
    stamps, _ = images.corrected(graph, None)
    assert stamps.tolist() == [0, 1]


def test_the_way_to_the_keyframe_grows_with_it() -> None:
    """Keyframe 2 grew by 1.25 after an image 0.1 to its right was tracked against it."""
    path = changes(6, growth={3: 1.25})
    images, graph = ImagePath(), graph_of(path[:3])
    T_keyframe_image = np.eye(4)
    T_keyframe_image[0, 3] = 0.1
    T = se3.inverse(path[2].local_map.newest.T).numpy() @ T_keyframe_image
    images.add(0, T, path[2].local_map, graph)
    for change in path[3:]:
        graph.take(change)
    _, (pose,) = images.corrected(graph, None)
    way = sim3.inverse(graph.poses[2]) @ pose
    np.testing.assert_allclose(way[:3, 3], [0.125, 0.0, 0.0], atol=1e-9)


def test_images_of_a_provisional_window_go_with_the_one_in_its_place() -> None:
    """Images 10 to 14 are tracked on the way of keyframes 0 and 1; the window that takes their
    place begins with image 12, and lies elsewhere."""
    path = changes(3)
    poses = [se3.inverse(keyframe(0, 1.0).T).numpy() @ sim3.exp(0.02 * k * WAY) for k in range(5)]
    graph, images = graph_of([replace(path[0], is_provisional=True)]), ImagePath()
    for k, T in enumerate(poses):
        if k == 3:
            graph.take(replace(path[1], is_provisional=True))
        images.add(10 + k, T, path[int(k >= 3)].local_map, graph)
    moved = sim3.exp(np.array([0.5, -0.2, 0.1, 0.3, 0.0, -0.1, 0.0]))
    better = [keyframe(12, 1.0), keyframe(15, 1.0)]
    better[0].T = se3.inverse(torch.from_numpy(moved @ poses[2]))
    graph.take(WindowChange(LocalMap(CAMERA, better), (), 1.2, DISPLACEMENT))
    images.add(15, se3.inverse(better[1].T).numpy(), LocalMap(CAMERA, better), graph)
    stamps, corrected = images.corrected(graph, LocalMap(CAMERA, better))
    assert stamps.tolist() == [10, 11, 12, 13, 14, 15]
    np.testing.assert_allclose(corrected[:5], moved @ np.array(poses), atol=1e-9)
