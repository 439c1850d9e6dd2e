"""Where the IMU leads to between two images: turns, positions, and their deviations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from denseba_ros.config import ImuConfig
from denseba_ros.geometry import pose_step
from denseba_ros.imu.source import RecordedImu
from denseba_ros.slam.inertial.imu_aiding import ImuAiding
from tests.slam.inertial.walk import SCALE, T_IMU_CAMERA, Walk


def _angle(R: np.ndarray) -> float:
    return float(np.arccos(np.clip((np.trace(R) - 1.0) / 2.0, -1.0, 1.0)))


def test_the_turn_is_the_cameras_once_the_bias_is_known() -> None:
    walk = Walk(3)
    walk.follow(6.0)
    k = walk.next
    R = walk.prediction.between(int(walk.stamps[k]), int(walk.stamps[k + 4]))
    assert R is not None
    true = walk.true[k + 4, :3, :3].T @ walk.true[k, :3, :3]
    assert _angle(true) > 0.02
    assert _angle(R.T @ true) < 4.0 * walk.prediction.sigma(1.0)
    assert walk.prediction.sigma(1.0) < 0.004


def test_samples_that_are_a_little_late_are_bridged() -> None:
    walk = Walk(3)
    newest = int(walk.imu.samples.stamp_ns[-1])
    start = newest - 100_000_000
    assert walk.prediction.between(start, newest + 30_000_000) is not None
    assert walk.prediction.between(start, newest + 80_000_000) is None
    assert walk.prediction.between(newest + 1, newest + 10) is None


def test_two_seconds_without_images() -> None:
    errors = []
    for seed in range(4):
        walk = Walk(seed)
        walk.follow(10.0)
        walk.prediction.motion = walk.map.motion
        k = walk.next - 1
        moved = walk.prediction.moved(
            pose_step.inverse(walk.T[k]), int(walk.stamps[k]), int(walk.stamps[k + 8])
        )
        assert moved is not None
        T, covariance = moved
        true = walk.true[k + 8].copy()
        true[:3, 3] /= SCALE
        # Left step of the camera's pose against the truth, along the camera's axes.
        error = pose_step.log(T @ true)
        errors.append(error[:3] @ np.linalg.solve(covariance[:3, :3], error[:3]))
        way = np.linalg.norm(np.diff(walk.true[k : k + 9, :3, 3], axis=0), axis=1).sum()
        assert SCALE * np.linalg.norm(error[:3]) < 0.05 + 0.03 * way
    assert 0.2 < np.mean(errors) < 8.0


def test_wrong_axes_are_said_once_and_the_gyroscope_is_not_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    walk = Walk(0)
    wrong = ImuAiding(ImuConfig(mode="gyroscope"))
    wrong.source = RecordedImu(walk.imu.samples)
    inertial = wrong.new_map()
    assert inertial is not None
    for k in range(40):
        inertial.update({int(walk.stamps[i]): walk.T[i] for i in range(max(0, k - 6), k + 1)}, 1, 1)
    assert wrong.prediction.between(int(walk.stamps[3]), int(walk.stamps[4])) is None
    said = [r for r in caplog.records if "T_imu_camera" in r.message]
    assert len(said) == 1


@pytest.mark.parametrize(("factor", "is_used"), [(1.0, True), (np.degrees(1.0), False)])
def test_a_gyroscope_in_degrees_is_not_used_from_the_first_small_turn_on(
    factor: float, is_used: bool
) -> None:
    walk = Walk(0)
    samples = walk.imu.samples
    aiding = ImuAiding(
        ImuConfig(mode="gyroscope", T_imu_camera=tuple(T_IMU_CAMERA.ravel().tolist()))
    )
    aiding.source = RecordedImu(replace(samples, gyroscope=factor * samples.gyroscope))
    inertial = aiding.new_map()
    assert inertial is not None
    turned = [_angle(walk.true[0, :3, :3].T @ T[:3, :3]) for T in walk.true]
    first = next(k for k, angle in enumerate(turned) if angle > np.radians(2.0))
    assert turned[first] < 0.3
    for k in range(first + 1):
        inertial.update({int(walk.stamps[i]): walk.T[i] for i in range(max(0, k - 6), k + 1)}, 1, 1)
    between = aiding.prediction.between(int(walk.stamps[first]), int(walk.stamps[first + 1]))
    assert (between is not None) == is_used


def test_without_an_imu_nothing_is_predicted() -> None:
    walk = Walk(0)
    off = ImuAiding(ImuConfig())
    off.source = RecordedImu(walk.imu.samples)
    assert off.new_map() is None
    assert off.prediction.between(int(walk.stamps[3]), int(walk.stamps[4])) is None
    matrix = tuple(T_IMU_CAMERA.ravel().tolist())
    on = ImuAiding(ImuConfig(mode="gyroscope", T_imu_camera=matrix))
    assert on.prediction.between(int(walk.stamps[3]), int(walk.stamps[4])) is None
    on.source = off.source
    assert on.prediction.between(int(walk.stamps[3]), int(walk.stamps[4])) is not None
