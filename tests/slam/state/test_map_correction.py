"""What is published of a pose in the map: exact, or corrected at a bounded speed."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.geometry import sim3
from denseba_ros.slam.state.map_correction import MapCorrection, MapPose

SECOND = 1_000_000_000


def at(x: float, turn: float = 0.0) -> np.ndarray:
    return sim3.exp(np.array([x, 0.2, 0.0, 0.0, 0.0, turn, 0.0]))


def test_the_pose_in_the_map_is_met_whatever_the_scale_of_its_world() -> None:
    """World and map have different units; frames of TF are rigid."""
    correction = MapCorrection()
    S_map_world = sim3.exp(np.array([3.0, 1.0, 0.5, 0.2, 0.1, 0.3, 0.4]))
    for k in range(5):
        T_odom_camera = at(0.5 * k, 0.1 * k)
        T_map_camera = sim3.rigid(S_map_world @ T_odom_camera)
        T = correction.map_to_odom(MapPose(T_map_camera), T_odom_camera, k * SECOND, 0.0)
        assert T is not None
        np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(T @ T_odom_camera, T_map_camera, atol=1e-12)


def test_without_a_rate_a_correction_comes_at_once() -> None:
    correction, motion = MapCorrection(), at(0.8, 0.1)
    assert correction.map_to_odom(MapPose(at(1.0)), at(1.0), SECOND, 0.0) is not None
    T = correction.map_to_odom(MapPose(motion @ at(1.1), motion), at(1.1), 2 * SECOND, 0.0)
    np.testing.assert_allclose(T, motion, atol=1e-12)
    assert not correction.lent.any()


def test_with_a_rate_the_camera_moves_in_the_map_at_that_speed() -> None:
    correction, rate = MapCorrection(), 0.5
    motion = sim3.exp(np.array([0.9, 0.0, 0.0, 0.0, 0.0, 0.2, 0.05]))
    correction.map_to_odom(MapPose(at(1.0)), at(1.0), 0, rate)
    previous = at(1.0)
    for k in range(1, 40):  # the camera rests: what moves is the correction
        in_map = MapPose(sim3.rigid(motion @ at(1.0)), motion if k == 1 else None)
        T = correction.map_to_odom(in_map, at(1.0), k * SECOND // 10, rate)
        assert T is not None
        now = T @ at(1.0)
        assert np.linalg.norm(now[:3, 3] - previous[:3, 3]) <= 0.1 * rate + 1e-9
        previous = now
    np.testing.assert_allclose(previous, sim3.rigid(motion @ at(1.0)), atol=1e-12)
    assert not correction.lent.any()


def test_a_second_correction_adds_to_what_is_lent() -> None:
    correction, motion = MapCorrection(), at(0.4)
    correction.map_to_odom(MapPose(at(1.0)), at(1.0), 0, 1e-9)
    correction.map_to_odom(MapPose(motion @ at(1.0), motion), at(1.0), 1, 1e-9)
    twice = MapPose(motion @ motion @ at(1.0), motion)
    T = correction.map_to_odom(twice, at(1.0), 2, 1e-9)
    np.testing.assert_allclose(T, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(correction.lent[:3], [-0.8, -0.4, 0.0], atol=1e-9)


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_without_a_pose_in_the_map_there_is_no_transform_and_nothing_is_lent(rate: float) -> None:
    correction, motion = MapCorrection(), at(5.0)
    correction.map_to_odom(MapPose(at(1.0)), at(1.0), 0, rate)
    correction.map_to_odom(MapPose(motion @ at(1.0), motion), at(1.0), 1, rate)
    assert correction.map_to_odom(MapPose(None), at(1.0), 2, rate) is None
    T = correction.map_to_odom(MapPose(motion @ at(1.0)), at(1.0), 3, rate)
    np.testing.assert_allclose(T, motion, atol=1e-12)
