"""The system with a gyroscope that fails on the way, or comes right late: poses do not jump."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.config import Config
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.imu.source import RecordedImu
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.simulated_imu.simulation import ImuModel, simulate_imu
from denseba_ros.slam.system import System


@pytest.fixture(scope="module")
def room() -> RoomSequence:
    return RoomSequence("handheld", 70, 160, 120, rate=15.0)


@pytest.fixture(scope="module")
def samples(room: RoomSequence) -> ImuSamples:
    return simulate_imu(room, ImuModel(noise=ImuNoise()), 0).samples


def _turns_faulty(samples: ImuSamples, fault: str, since: float, until: float) -> ImuSamples:
    """In degrees, or zero, between two times (s)."""
    seconds = (samples.stamp_ns - samples.stamp_ns[0]) * 1e-9
    is_bad = (seconds >= since) & (seconds < until)
    factor = np.where(is_bad, {"degrees": np.degrees(1.0), "zero": 0.0}[fault], 1.0)
    return ImuSamples(samples.stamp_ns, samples.gyroscope * factor[:, None], samples.accelerometer)


def _poses(room: RoomSequence, mode: str, samples: ImuSamples, max_flow: float) -> np.ndarray:
    """T_world_camera (N, 4, 4)."""
    config = Config.from_dict(
        {
            "device": "cpu",
            "frontend": {"depth_model": "constant"},
            "imu": {"mode": mode},
            "keyframes": {"max_flow": max_flow},
        }
    )
    system = System(config, room.calibration)
    system.use_imu(RecordedImu(samples))
    return np.stack([system.process(f.stamp_ns, f.image).T_world_camera for f in room])


@pytest.mark.parametrize(
    ("fault", "since", "until", "max_flow"),
    [("degrees", 2.0, 3.0, 0.05), ("zero", 2.0, 9.0, 0.05), ("degrees", 3.0, 9.0, 0.12)],
)
def test_the_path_is_that_of_the_images(
    room: RoomSequence, samples: ImuSamples, fault: str, since: float, until: float, max_flow: float
) -> None:
    without = _poses(room, "off", samples, max_flow)
    faulty = _turns_faulty(samples, fault, since, until)
    poses = _poses(room, "inertial", faulty, max_flow)
    off = np.linalg.norm(poses[:, :3, 3] - without[:, :3, 3], axis=1)
    cosine = 0.5 * (np.einsum("nij,nij->n", poses[:, :3, :3], without[:, :3, :3]) - 1.0)
    # Of a way of 1.5: it was 0.14 to 0.5, and 7 to 26 degrees.
    assert off.max() < 0.03
    assert np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))).max() < 1.5
