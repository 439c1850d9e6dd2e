"""Standstill: when it begins and ends, where the pose is held, and what the chain gets of it."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.geometry import pose_step
from denseba_ros.imu.source import RecordedImu
from denseba_ros.slam.inertial.imu_prediction import ImuPrediction
from denseba_ros.slam.inertial.standstill import SeenPose
from tests.slam.inertial.halting_walk import HALT, REST, HaltingWalk


@pytest.fixture(scope="module")
def walk() -> HaltingWalk:
    """Images until the camera has stood for two seconds."""
    walk = HaltingWalk(1)
    walk.follow(HALT + 2.0)
    return walk


def test_it_begins_where_the_camera_stands_and_not_before(walk: HaltingWalk) -> None:
    rests = walk.prediction.standstill.rests
    assert walk.prediction.standstill.is_now
    assert len(rests) == 1
    assert HALT - 0.2 < walk.seconds_of(rests[0].since_ns) < HALT + 0.5
    assert HALT + 1.5 < walk.seconds_of(rests[0].until_ns) < HALT + 2.0


def test_in_the_dark_the_pose_is_held_until_the_camera_moves_on() -> None:
    walk = HaltingWalk(1)
    walk.follow(HALT + 2.0)
    before, seen_ns = walk.prediction.standstill.rests[-1].seen.T, walk.newest_ns
    for t in np.arange(HALT + 2.0, HALT + REST - 0.3, 0.1):
        moved = walk.prediction.moved(before, seen_ns, walk.stamp(t))
        assert moved is not None
        assert np.array_equal(moved[0], before)
        assert np.sqrt(np.trace(moved[1][:3, :3])) < 0.005
    for t in np.arange(HALT + REST, HALT + REST + 1.6, 0.1):
        moved = walk.prediction.moved(before, seen_ns, walk.stamp(t))
    assert not walk.prediction.standstill.is_now
    assert moved is not None
    true = walk.in_map(walk.true_at(t))
    error = walk.scale * np.linalg.norm(pose_step.log(moved[0] @ pose_step.inverse(true))[:3])
    gone = walk.true_at(t)[:3, 3] - walk.true_at(HALT + 1.0)[:3, 3]
    assert np.linalg.norm(gone) > 0.1
    assert error < 0.1
    assert error < 4.0 * walk.scale * np.sqrt(np.trace(moved[1][:3, :3]))


def test_the_chain_goes_on_through_a_long_standstill_and_knows_the_velocity_is_zero() -> None:
    walk = HaltingWalk(1)
    before = walk.follow(HALT + 2.0)
    assert before is not None
    after = walk.follow(HALT + REST + 2.5)
    assert after is not None
    assert walk.seconds_of(after.stamp_ns) > HALT + REST
    assert after.scale.sigma < 1.5 * before.scale.sigma
    assert abs(np.log(after.world.metres_per_unit / walk.scale)) < 3.0 * after.scale.sigma


def test_a_keyframe_at_rest_has_no_velocity() -> None:
    walk = HaltingWalk(1)
    walk.follow(HALT + 2.0)
    motion = walk.add_keyframe()
    assert motion is not None
    assert walk.seconds_of(motion.stamp_ns) > HALT - 0.2
    assert np.linalg.norm(motion.state.velocity) < 0.01
    assert np.sqrt(motion.covariance[6, 6]) < 0.006


def test_the_gyroscopes_bias_is_read_off(walk: HaltingWalk) -> None:
    assert np.linalg.norm(walk.prediction.bias.mean - walk.gyroscope_bias) < 0.002
    assert walk.prediction.bias.sigma < 0.001


def test_images_that_move_are_no_standstill_whatever_the_imu_feels(walk: HaltingWalk) -> None:
    """Even motion, as of a train."""
    prediction = ImuPrediction(RecordedImu(walk.samples), walk.calibration)
    for k in range(20):
        T = pose_step.exp(np.array([0.02 * k, 0, 0, 0, 0, 0]))
        stamp = walk.stamp(HALT + 1.0 + 0.1 * k)
        prediction.saw(SeenPose(stamp, T, walk.stamp(HALT), T, 1.0, T[:3, :3]))
        assert not prediction.standstill.rests


def test_without_samples_there_is_no_standstill(walk: HaltingWalk) -> None:
    none = RecordedImu(walk.samples.between(int(walk.samples.stamp_ns[0]), walk.stamp(1.0)))
    prediction = ImuPrediction(none, walk.calibration)
    for k in range(20):
        stamp = walk.stamp(HALT + 1.0 + 0.1 * k)
        prediction.saw(SeenPose(stamp, np.eye(4), walk.stamp(HALT), np.eye(4), 1.0, np.eye(3)))
    assert not prediction.standstill.rests
