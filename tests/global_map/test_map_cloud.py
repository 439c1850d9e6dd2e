"""The points of the map lie where their keyframes are, and are not too many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.records import record
from denseba_ros.global_map.map_cloud import MapCloud
from tests.global_map.conftest import CAMERA, ROOM


def test_points_lie_on_what_the_keyframe_saw(
    exact_keyframe: Callable[[int], WindowKeyframe],
) -> None:
    cloud = MapCloud(CAMERA, 1000)
    cloud.add(record(exact_keyframe(0), 7, 0))
    (points,) = (cloud.points({7: np.eye(4), 8: np.eye(4)}),)
    assert 50 < len(points) <= 256
    u = CAMERA.fx * points[:, 0] / points[:, 2] + CAMERA.cx
    v = CAMERA.fy * points[:, 1] / points[:, 2] + CAMERA.cy
    columns, rows = np.rint(u).astype(int), np.rint(v).astype(int)
    seen = ROOM.depth(0)[rows, columns]
    assert np.median(np.abs(points[:, 2] - seen) / seen) < 0.01
    grey = ROOM.image(0).astype(float)
    grey = grey if grey.ndim == 2 else grey.mean(-1)
    assert np.corrcoef(points[:, 3], grey[rows, columns])[0, 1] > 0.9


def test_points_move_with_their_keyframe(exact_keyframe: Callable[[int], WindowKeyframe]) -> None:
    cloud = MapCloud(CAMERA, 1000)
    cloud.add(record(exact_keyframe(0), 0, 0))
    S = sim3.exp(np.array([1.0, 2.0, 3.0, 0.1, 0.2, 0.3, 0.4]))
    before, after = cloud.points({0: np.eye(4)}), cloud.points({0: S})
    np.testing.assert_allclose(after[:, :3], sim3.apply(S, before[:, :3]), rtol=1e-5, atol=1e-5)


def test_many_keyframes_share_the_points(exact_keyframe: Callable[[int], WindowKeyframe]) -> None:
    cloud = MapCloud(CAMERA, 300)
    for number in range(6):
        cloud.add(record(exact_keyframe(0), number, 0))
    assert len(cloud.points({n: np.eye(4) for n in range(6)})) == 300
    assert len(cloud.points({0: np.eye(4)})) == 256
    assert cloud.points({9: np.eye(4)}).shape == (0, 4)
