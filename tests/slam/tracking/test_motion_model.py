"""Prediction, velocity and the growth of uncertainty while lost."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from denseba_ros.backend.rotation_links import MeasuredTurn
from denseba_ros.frontend.frame import Motion
from denseba_ros.geometry import se3
from denseba_ros.slam.inertial.standstill import SeenPose
from denseba_ros.slam.tracking.motion_model import MotionModel

_TICK = 100_000_000
_NO_CHANGE = torch.zeros(2, dtype=torch.float64)


def _at(z: float) -> torch.Tensor:
    """T_camera_world of a camera z metres in front of the origin."""
    T = torch.eye(4, dtype=torch.float64)
    T[2, 3] = -z
    return T


@pytest.fixture
def forward() -> MotionModel:
    """0.2 m forward every 0.1 s."""
    motions = MotionModel()
    motions.restart(0, _at(0.0))
    for i in (1, 2):
        motions.update(i * _TICK, _at(0.2 * i), _NO_CHANGE)
    return motions


def test_a_camera_that_goes_forward_has_positive_z_velocity(forward: MotionModel) -> None:
    twist, _ = forward.twist(torch.eye(6, dtype=torch.float64))
    np.testing.assert_allclose(twist, [0, 0, 2.0, 0, 0, 0], atol=1e-12)


def test_a_camera_that_turns_right_has_positive_y_rotation() -> None:
    """y is down, so turning the view to the right is a positive rotation about it."""
    motions = MotionModel()
    motions.restart(0, _at(0.0))
    turned = torch.eye(4, dtype=torch.float64)
    turned[:3, :3] = se3.exp(torch.tensor([0, 0, 0, 0, 0.05, 0]).double())[:3, :3]
    motions.update(_TICK, se3.inverse(turned), _NO_CHANGE)
    twist, _ = motions.twist(torch.eye(6, dtype=torch.float64))
    np.testing.assert_allclose(twist, [0, 0, 0, 0, 0.5, 0], atol=1e-6)


def test_prediction_has_constant_velocity(forward: MotionModel) -> None:
    np.testing.assert_allclose(forward.predict(3 * _TICK, None), _at(0.6), atol=1e-12)
    np.testing.assert_allclose(forward.predict(4 * _TICK, None), _at(0.8), atol=1e-12)


def test_prediction_is_no_farther_than_half_a_second(forward: MotionModel) -> None:
    far = forward.predict(100 * _TICK, None)
    np.testing.assert_allclose(far, _at(0.4 + 0.5 * 2.0), atol=1e-12)


def test_a_stamp_that_goes_back_predicts_the_last_pose(forward: MotionModel) -> None:
    np.testing.assert_allclose(forward.predict(_TICK, None), _at(0.4), atol=1e-12)


def test_prediction_uses_the_frontends_rotation_and_the_velocity(forward: MotionModel) -> None:
    turn = se3.exp(torch.tensor([0.4, 0.5, 0.6, 0.1, -0.2, 0.3]).double())
    predicted = forward.predict(3 * _TICK, Motion(turn, torch.eye(6).double()))
    step = forward.predict(3 * _TICK, None) @ se3.inverse(forward.T)
    moved = predicted @ se3.inverse(forward.T)
    np.testing.assert_allclose(moved[:3, :3], turn[:3, :3].T, atol=1e-12)
    np.testing.assert_allclose(moved[:3, 3], step[:3, 3], atol=1e-12)


def test_lost_images_coast_with_decaying_velocity_and_growing_covariance(
    forward: MotionModel,
) -> None:
    moved, spread = [], []
    for i in range(3, 9):
        before = forward.T
        forward.coast(i * _TICK)
        moved.append(float((forward.T - before).norm()))
        spread.append(forward.lost_covariance(2.0))
    assert moved[0] == pytest.approx(0.2)
    assert all(later < 0.75 * earlier for earlier, later in itertools.pairwise(moved))
    for i, covariance in enumerate(spread, start=1):
        deviations = covariance.diagonal().sqrt()
        np.testing.assert_allclose(deviations[:3], 0.05 * 2.0 * i)
        np.testing.assert_allclose(deviations[3:], 0.05 * i)


def test_time_without_images_counts_like_images_that_were_lost(forward: MotionModel) -> None:
    """One image after three seconds of none: as if one had come each tenth of a second."""
    forward.coast(2 * _TICK + 3_000_000_000)
    deviations = forward.lost_covariance(2.0).diagonal().sqrt()
    np.testing.assert_allclose(deviations, [0.05 * 2.0 * 30] * 3 + [0.05 * 30] * 3)


def test_while_rough_poses_come_nothing_more_is_lost(forward: MotionModel) -> None:
    forward.coast(3 * _TICK)
    lost = forward.lost_covariance(1.0)
    assert lost.any()
    for i in range(4, 14):
        forward.set_approximate(i * _TICK, _at(0.6))
    np.testing.assert_allclose(forward.lost_covariance(1.0), lost)
    np.testing.assert_array_equal(forward.predict(14 * _TICK, None), _at(0.6))


def test_recovery_after_lost_has_no_jump_in_velocity(forward: MotionModel) -> None:
    forward.coast(3 * _TICK)
    forward.update(4 * _TICK, _at(9.0), _NO_CHANGE)
    assert not forward.lost_covariance(1.0).any()
    twist, _ = forward.twist(torch.eye(6).double())
    assert not twist.any()


def test_restart_has_no_past(forward: MotionModel) -> None:
    forward.restart(9 * _TICK, _at(5.0))
    np.testing.assert_array_equal(forward.predict(10 * _TICK, None), _at(5.0))
    other = torch.tensor([0.1, 2.0])
    assert forward.affine_or(other) is other


def test_brightness_is_that_of_the_last_tracked_image(forward: MotionModel) -> None:
    change = torch.tensor([0.2, -3.0]).double()
    forward.update(3 * _TICK, _at(0.6), change)
    assert forward.affine_or(_NO_CHANGE) is change
    forward.set_refined(_at(0.61))
    assert forward.affine_or(_NO_CHANGE) is _NO_CHANGE
    np.testing.assert_array_equal(forward.T, _at(0.61))


def test_twist_covariance_is_that_of_the_last_step_over_its_duration(forward: MotionModel) -> None:
    step = torch.diag(torch.arange(1.0, 7.0).double())
    _, covariance = forward.twist(step)
    np.testing.assert_allclose(covariance, step / 0.1**2)


def test_a_larger_world_is_crossed_faster(forward: MotionModel) -> None:
    forward.rescale(1.5)
    np.testing.assert_allclose(forward.predict(3 * _TICK, None), _at(0.4 + 0.3), atol=1e-12)


class _Imu:
    """Turns by 0.1 rad about y each 0.1 s; with ``motion``, goes 0.3 m forward in that time."""

    def __init__(self, has_motion: bool) -> None:
        self.motion = self.status = None
        self._has_motion = has_motion

    def saw(self, seen: SeenPose) -> None:
        pass

    def between(self, start_ns: int, end_ns: int) -> np.ndarray:
        angle = 0.1 * (end_ns - start_ns) / _TICK
        return Rotation.from_rotvec([0.0, angle, 0.0]).as_matrix()

    def turn(self, start_ns: int, end_ns: int) -> MeasuredTurn:
        return MeasuredTurn(self.between(start_ns, end_ns), 0.01)

    def moved(
        self, T: np.ndarray, start_ns: int, end_ns: int
    ) -> tuple[np.ndarray, np.ndarray] | None:
        if not self._has_motion:
            return None
        step = np.eye(4)
        step[2, 3] = -0.3 * (end_ns - start_ns) / _TICK
        return step @ T, np.diag([0.01] * 3 + [0.001] * 3)

    def sigma(self, start_ns: int, end_ns: int) -> float:
        return 0.01 * (end_ns - start_ns) * 1e-9


def _with_imu(has_motion: bool) -> MotionModel:
    motions = MotionModel(_Imu(has_motion))
    motions.restart(0, _at(0.0))
    for i in (1, 2):
        motions.update(i * _TICK, _at(0.2 * i), _NO_CHANGE)
    return motions


def test_a_gyroscope_tells_the_turn_and_the_velocity_the_rest() -> None:
    T = _with_imu(False).predict(3 * _TICK, None)
    turn = Rotation.from_matrix(T[:3, :3].numpy()).as_rotvec()
    np.testing.assert_allclose(turn, [0.0, 0.1, 0.0], atol=1e-12)
    np.testing.assert_allclose(se3.inverse(T)[:3, 3], [0.0, 0.0, 0.6], atol=1e-12)


def test_turns_stay_known_while_images_are_lost() -> None:
    motions = _with_imu(False)
    for i in range(3, 8):
        motions.coast(i * _TICK)
    turn = Rotation.from_matrix(motions.T[:3, :3].numpy()).as_rotvec()
    np.testing.assert_allclose(turn, [0.0, 0.5, 0.0], atol=1e-12)
    lost = motions.lost_covariance(1.0)
    assert float(lost[3, 3]) == pytest.approx((0.01 * 0.5) ** 2)
    assert float(lost[0, 0]) > 0.05


def test_the_whole_motion_of_lost_images_is_by_the_imu_with_its_covariance() -> None:
    motions = _with_imu(True)
    for i in (3, 4):
        motions.coast(i * _TICK)
    np.testing.assert_allclose(motions.T, _at(0.4 + 0.6), atol=1e-12)
    twist, _ = motions.twist(torch.zeros(6, 6, dtype=torch.float64))
    np.testing.assert_allclose(twist[:3], [0.0, 0.0, 0.3 / (_TICK * 1e-9)], atol=1e-9)
    lost = motions.lost_covariance(1.0)
    np.testing.assert_allclose(lost.diagonal(), [0.01] * 3 + [0.001] * 3)
    np.testing.assert_allclose(motions.predict(5 * _TICK, None), _at(0.4 + 0.9), atol=1e-12)
    motions.update(5 * _TICK, _at(1.3), _NO_CHANGE)
    assert float(motions.lost_covariance(1.0).abs().max()) == 0.0
