"""The path at the end follows its keyframes, and odometry between them."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.evaluation.results.final_path import FinalPath


def pose(x: float, degrees: float = 0.0) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("z", degrees, degrees=True).as_matrix()
    T[0, 3] = x
    return T


def path(count: int) -> FinalPath:
    final = FinalPath()
    for k in range(count):
        final.add(k, pose(float(k)))
    return final


def test_images_move_with_the_keyframe_before_them() -> None:
    turned = pose(10.0, 90.0)
    final = path(6).corrected({1: pose(1.0), 4: turned})
    assert final.stamps_ns.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(final.T_world_camera[:3], [pose(1.0), pose(2.0), pose(3.0)])
    np.testing.assert_allclose(final.T_world_camera[3], turned)
    np.testing.assert_allclose(final.T_world_camera[4], turned @ pose(1.0))


def test_a_keyframe_without_odometry_holds_nothing() -> None:
    final = path(3).corrected({0: pose(5.0), 7: pose(9.0)})
    np.testing.assert_allclose(final.T_world_camera[:, 0, 3], [5.0, 6.0, 7.0])


def test_without_keyframes_there_is_no_path() -> None:
    assert len(path(3).corrected({})) == 0
    assert path(3).corrected({}).T_world_camera.shape == (0, 4, 4)
