"""The change from the camera's optical frame to the robot's base."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry import pose_step
from denseba_ros.geometry.body_frame import (
    CameraMount,
    T_base_optical,
)

_seeds = st.integers(0, 2**31)


def random_pose(rng: np.random.Generator) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = Rotation.random(random_state=rng.integers(2**31)).as_matrix()
    T[:3, 3] = rng.normal(size=3)
    return T


def perturbed(T: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Moved by ``error`` (translation, rotation about fixed axes) along the fixed frame's axes."""
    moved = T.copy()
    moved[:3, 3] += error[:3]
    moved[:3, :3] = Rotation.from_rotvec(error[3:]).as_matrix() @ T[:3, :3]
    return moved


def error_between(T: np.ndarray, moved: np.ndarray) -> np.ndarray:
    rotation = Rotation.from_matrix(moved[:3, :3] @ T[:3, :3].T).as_rotvec()
    return np.concatenate([moved[:3, 3] - T[:3, 3], rotation])


def test_a_camera_without_extrinsics_looks_forward() -> None:
    T = T_base_optical(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    forward, right, down = T[:3, 2], T[:3, 0], T[:3, 1]
    np.testing.assert_allclose(forward, [1.0, 0.0, 0.0])
    np.testing.assert_allclose(right, [0.0, -1.0, 0.0])
    np.testing.assert_allclose(down, [0.0, 0.0, -1.0])


def test_a_positive_pitch_looks_down_and_a_positive_yaw_left() -> None:
    down = T_base_optical(0.0, 0.0, 0.0, 0.0, np.pi / 2, 0.0)
    np.testing.assert_allclose(down[:3, 2], [0.0, 0.0, -1.0], atol=1e-12)
    left = T_base_optical(1.0, 2.0, 3.0, 0.0, 0.0, np.pi / 2)
    np.testing.assert_allclose(left[:3, 2], [0.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(left[:3, 3], [1.0, 2.0, 3.0])


def test_extrinsics_that_are_not_finite_are_refused() -> None:
    with pytest.raises(CalibrationError, match="not finite"):
        T_base_optical(float("nan"), 0.0, 0.0, 0.0, 0.0, 0.0)


def test_forward_motion_of_the_camera_is_x_of_the_base() -> None:
    mount = CameraMount(T_base_optical(0.3, 0.0, 0.1, 0.0, 0.0, 0.0))
    T_world_camera = np.eye(4)
    T_world_camera[2, 3] = 2.0
    expected = np.eye(4)
    expected[0, 3] = 2.0
    np.testing.assert_allclose(mount.T_odom_base(T_world_camera), expected, atol=1e-12)


@given(_seeds)
def test_the_base_starts_at_the_origin_and_the_camera_pose_comes_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mount, T = CameraMount(random_pose(rng)), random_pose(rng)
    np.testing.assert_allclose(mount.T_odom_base(np.eye(4)), np.eye(4), atol=1e-12)
    np.testing.assert_allclose(mount.T_world_camera(mount.T_odom_base(T)), T, atol=1e-12)


@given(_seeds)
def test_pose_covariance_agrees_with_finite_differences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mount, T = CameraMount(random_pose(rng)), random_pose(rng)
    step = 1e-6
    base = mount.T_odom_base(T)
    jacobian = np.column_stack(
        [
            error_between(base, mount.T_odom_base(perturbed(T, step * axis))) / step
            for axis in np.eye(6)
        ]
    )
    root = rng.normal(size=(6, 6))
    covariance = root @ root.T
    expected = jacobian @ covariance @ jacobian.T
    np.testing.assert_allclose(mount.pose_covariance(covariance, T), expected, rtol=1e-4, atol=1e-4)


@given(_seeds)
def test_twist_agrees_with_finite_differences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mount, T, twist = CameraMount(random_pose(rng)), random_pose(rng), rng.normal(size=6)
    step = 1e-7
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_rotvec(step * twist[3:]).as_matrix()
    motion[:3, 3] = step * twist[:3]
    moved = pose_step.inverse(mount.T_odom_base(T)) @ mount.T_odom_base(T @ motion)
    expected = error_between(np.eye(4), moved) / step
    np.testing.assert_allclose(mount.twist(twist), expected, rtol=1e-4, atol=1e-5)


@given(_seeds)
def test_twist_covariance_has_the_spread_of_turned_twists(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mount, root = CameraMount(random_pose(rng)), rng.normal(size=(6, 6))
    turned = np.column_stack([mount.twist(column) for column in root.T])
    covariance = mount.twist_covariance(root @ root.T)
    np.testing.assert_allclose(covariance, turned @ turned.T, atol=1e-9)
