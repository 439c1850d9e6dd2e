"""Alignment and time offset along the walks of rendered worlds with their simulated IMU."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.errors import ImuError
from denseba_ros.geometry import pose_step
from denseba_ros.imu.initialisation.alignment import align
from denseba_ros.imu.initialisation.time_offset import estimate_time_offset
from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.sequences.building.synthetic_building import BuildingSequence
from denseba_ros.sequences.rendering.rendered_sequence import START_NS, RenderedSequence
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.simulated_imu.simulation import ImuModel, simulate_along

T_IMU_CAMERA = pose_step.exp(np.array([0.05, -0.02, 0.03, 0.5, -0.3, 1.0]))
OFFSET_NS, SCALE = -30_000_000, 2.5


def _felt(sequence: RenderedSequence, seconds: float, seed: int) -> ImuSamples:
    rng = np.random.default_rng(seed)
    x, y, z = rng.normal(0, 0.1, 3)
    model = ImuModel(
        noise=ImuNoise(),
        gyroscope_bias=(0.1 * x, 0.1 * y, 0.1 * z),
        accelerometer_bias=(x, y, z),
        T_imu_camera=T_IMU_CAMERA,
        time_offset_ns=OFFSET_NS,
    )
    return simulate_along(sequence.poses_at, seconds, model, seed).samples


def _seen(sequence: RenderedSequence, times: np.ndarray, seed: int) -> np.ndarray:
    """T_world_camera (K, 4, 4) in units of 2.5 m, with errors of 4 mm and 0.09 degrees."""
    rng = np.random.default_rng(seed)
    T = sequence.poses_at(times).copy()
    T[:, :3, 3] = (T[:, :3, 3] + rng.normal(0, 0.004, (len(times), 3))) / SCALE
    turns = Rotation.from_rotvec(rng.normal(0, 0.0015, (len(times), 3)))
    T[:, :3, :3] = T[:, :3, :3] @ turns.as_matrix()
    return T


@pytest.mark.parametrize("seed", range(3))
def test_ten_seconds_of_walking_give_metres(seed: int) -> None:
    building = BuildingSequence("loop")
    times = 0.5 + 0.3 * np.arange(34)
    samples = _felt(building, 11.0, seed)
    stamps = START_NS + OFFSET_NS + np.round(1e9 * times).astype(np.int64)
    intervals = [samples.between(int(a), int(b)) for a, b in pairwise(stamps)]
    path = VisualPath(_seen(building, times, seed), 0.004 / SCALE, 0.0015, T_IMU_CAMERA)
    found = align(path, intervals, ImuNoise())
    assert not found.doubt
    assert np.log(found.world.metres_per_unit / SCALE) == pytest.approx(0.0, abs=0.03)
    assert np.degrees(np.arccos(found.world.R_world_gravity[2, 2])) < 0.3
    assert found.world.gain == pytest.approx(1.0, abs=0.01)


def test_clocks_along_the_walk() -> None:
    building = BuildingSequence("loop")
    times = np.arange(0.5, 11.0, 0.1)
    T, stamps = _seen(building, times, 0), START_NS + np.round(1e9 * times).astype(np.int64)
    found = estimate_time_offset(stamps, T[:, :3, :3], _felt(building, 12.0, 0))
    assert found.seconds == pytest.approx(OFFSET_NS * 1e-9, abs=0.008)


def test_the_sweep_of_the_room_is_too_smooth_and_that_is_said() -> None:
    room = RoomSequence("sweep", 200, 160, 120)
    samples = _felt(room, 12.0, 0)
    times = 0.5 + 0.3 * np.arange(11)
    stamps = START_NS + OFFSET_NS + np.round(1e9 * times).astype(np.int64)
    intervals = [samples.between(int(a), int(b)) for a, b in pairwise(stamps)]
    path = VisualPath(_seen(room, times, 0), 0.004 / SCALE, 0.0015, T_IMU_CAMERA)
    assert "not enough acceleration" in align(path, intervals, ImuNoise()).doubt
    times = np.arange(0.5, 11.0, 0.1)
    stamps = START_NS + np.round(1e9 * times).astype(np.int64)
    with pytest.raises(ImuError, match="not enough rotation"):
        estimate_time_offset(stamps, _seen(room, times, 0)[:, :3, :3], samples)
