"""The system with an IMU whose unit or axes are wrong: as without one, from the first image on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from denseba_ros.config import Config
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.imu.source import RecordedImu
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.simulated_imu.simulation import ImuModel, simulate_imu
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.state.odom_continuity import OdomContinuity
from denseba_ros.slam.system import System

_G = 9.81
# T_imu_camera of an IMU along the body's axes, which a user forgot to tell.
_AXES = np.eye(4)[[2, 0, 1, 3]] * np.array([[1.0], [-1.0], [-1.0], [1.0]])


@pytest.fixture(scope="module")
def room() -> RoomSequence:
    return RoomSequence("handheld", 30, 160, 120, rate=15.0)


@pytest.fixture(scope="module")
def samples(room: RoomSequence) -> ImuSamples:
    return simulate_imu(room, ImuModel(noise=ImuNoise()), 0).samples


def _run(room: RoomSequence, mode: str, samples: ImuSamples) -> list[Estimate]:
    config = Config.from_dict(
        {"device": "cpu", "frontend": {"depth_model": "constant"}, "imu": {"mode": mode}}
    )
    system, odom = System(config, room.calibration), OdomContinuity()
    system.use_imu(RecordedImu(samples))
    return [odom.update(system.process(frame.stamp_ns, frame.image)) for frame in room]


def _poses(estimates: list[Estimate]) -> np.ndarray:
    return np.stack([e.T_world_camera for e in estimates])


def test_odom_does_not_jump_with_degrees_and_g_nor_with_wrong_axes(
    room: RoomSequence, samples: ImuSamples
) -> None:
    without = _poses(_run(room, "off", samples))
    degrees = replace(
        samples,
        gyroscope=np.degrees(samples.gyroscope),
        accelerometer=samples.accelerometer / _G,
    )
    turned = replace(
        samples,
        gyroscope=samples.gyroscope @ _AXES[:3, :3].T,
        accelerometer=samples.accelerometer @ _AXES[:3, :3].T,
    )
    for wrong in (degrees, turned):
        estimates = _run(room, "inertial", wrong)
        np.testing.assert_array_equal(_poses(estimates), without)
        last = estimates[-1].imu
        assert last is not None
        assert last.is_wrong
        assert not last.is_used


def test_a_right_one_is_used_after_a_few_measured_images(
    room: RoomSequence, samples: ImuSamples
) -> None:
    estimates = _run(room, "gyroscope", samples)
    measured = [e for e in estimates if e.is_measured]
    assert len(measured) > 15
    is_used = [e.imu is not None and e.imu.is_used for e in measured]
    assert all(is_used[5:])
