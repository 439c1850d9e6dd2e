"""Where the IMU leads to between two images: turns, positions, and their deviations."""

from __future__ import annotations

import numpy as np

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
    sigma = walk.prediction.sigma(int(walk.stamps[k]), int(walk.stamps[k + 4]))
    assert _angle(true) > 0.02
    assert _angle(R.T @ true) < 4.0 * sigma
    assert sigma < 0.006


def test_samples_that_are_a_little_late_are_bridged() -> None:
    walk = Walk(3)
    walk.follow(2.0)
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
    assert on.prediction.between(int(walk.stamps[3]), int(walk.stamps[4])) is None
    for k in (1, 2, 3):
        on.prediction.saw(walk.seen(k))
    assert on.prediction.between(int(walk.stamps[3]), int(walk.stamps[4])) is not None
