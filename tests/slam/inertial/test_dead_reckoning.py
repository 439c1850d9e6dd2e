"""Where the IMU alone leads, and what each thing that it is not sure of adds to the covariance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.geometry import pose_step
from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.inertial_state import InertialState, MetricWorld
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.slam.inertial.dead_reckoning import dead_reckoned
from denseba_ros.slam.inertial.inertial_motion import InertialMotion

EXACT = ImuCalibration(
    ImuNoise(1e-12, 1e-12, 1e-12, 1e-12),
    pose_step.exp(np.array([0.05, -0.02, 0.03, 0.5, -0.3, 1.0])),
)
T_CAMERA_WORLD = pose_step.exp(np.array([0.3, -0.2, 0.5, 0.2, 0.4, -0.1]))
STATE = InertialState(
    T_CAMERA_WORLD, np.array([0.4, -0.1, 0.2]), np.array([0.01, -0.02, 0.005, 0.1, -0.05, 0.02])
)
WORLD = MetricWorld(1.7, Rotation.from_rotvec([0.1, -0.2, 0.3]).as_matrix(), gain=1.04)
_STEP = 1e-4


def samples(begin: float, seconds: float) -> ImuSamples:
    """Of a motion that turns and accelerates, 200 a second."""
    t = begin + np.arange(0.0, seconds + 1e-9, 0.005)
    gyroscope = np.stack([0.3 * np.sin(2 * t), 0.2 * np.cos(t), 0.4 + 0 * t], 1)
    accelerometer = np.stack([np.cos(3 * t), 0.5 * np.sin(t), 9.5 + 0 * t], 1)
    return ImuSamples(np.round(t * 1e9).astype(np.int64), gyroscope, accelerometer)


def reckoned(
    state: InertialState, world: MetricWorld, covariance: np.ndarray, before: ImuSamples | None
) -> tuple[np.ndarray, np.ndarray]:
    """After half a second from an image, whose pose is exact; that is half a second after the
    keyframe where there are samples ``before``."""
    motion = InertialMotion(0, state, world, covariance)
    begin = 0.0 if before is None else 0.5
    return dead_reckoned(motion, EXACT, T_CAMERA_WORLD, before, samples(begin, 0.5))


@pytest.mark.parametrize("is_keyframe", [True, False])
@pytest.mark.parametrize("k", range(6, 19))
def test_the_covariance_is_that_of_the_errors(k: int, is_keyframe: bool) -> None:
    """By velocity, biases, scale, gravity and gain, by finite differences."""
    before = None if is_keyframe else samples(0.0, 0.5)
    moved = []
    for sign in (1.0, -1.0):
        step = np.zeros(19)
        step[k] = sign * _STEP
        state, world = STATE.stepped(step[:15]), WORLD.stepped(step[15:])
        moved.append(reckoned(state, world, np.zeros((19, 19)), before)[0])
    plus, minus = moved
    centres = [-(T[:3, :3].T @ T[:3, 3]) for T in moved]
    turn = Rotation.from_matrix(plus[:3, :3].T @ minus[:3, :3]).as_rotvec()
    world_error = np.concatenate([centres[0] - centres[1], turn]) / (2 * _STEP)
    covariance = np.zeros((19, 19))
    covariance[k, k] = 1.0
    T, added = reckoned(STATE, WORLD, covariance, before)
    error = np.kron(np.eye(2), T[:3, :3]) @ world_error
    deviations = np.sqrt(np.maximum(added.diagonal(), 0.0))
    np.testing.assert_allclose(deviations, np.abs(error), atol=0.02 * np.abs(error).max() + 1e-6)


@pytest.mark.parametrize("k", [3, 4, 5])
def test_a_wrong_rotation_of_the_image_leads_elsewhere(k: int) -> None:
    """Gravity stays, what is felt turns; the rotation itself was counted before."""
    step = np.zeros(6)
    step[k] = _STEP
    motion = InertialMotion(0, STATE, WORLD, np.diag((np.arange(19) == k).astype(float)))
    centres = []
    for sign in (1.0, -1.0):
        start = pose_step.exp(sign * step) @ T_CAMERA_WORLD
        T, _ = dead_reckoned(motion, EXACT, start, None, samples(0.0, 0.5))
        centres.append(-(T[:3, :3].T @ T[:3, 3]))
    T, added = dead_reckoned(motion, EXACT, T_CAMERA_WORLD, None, samples(0.0, 0.5))
    error = T[:3, :3] @ (centres[0] - centres[1]) / (2 * _STEP)
    deviations = np.sqrt(added.diagonal()[:3])
    np.testing.assert_allclose(deviations, np.abs(error), atol=0.05 * np.abs(error).max())


def test_it_goes_on_from_the_image_in_units_of_the_map() -> None:
    """Without a force but gravity's it falls, and goes on with the velocity that it had."""
    rest = samples(0.0, 0.5)
    none = ImuSamples(rest.stamp_ns, 0.0 * rest.gyroscope, 0.0 * rest.accelerometer)
    state = InertialState(T_CAMERA_WORLD, STATE.velocity, np.zeros(6))
    motion = InertialMotion(0, state, WORLD, np.zeros((19, 19)))
    T, _ = dead_reckoned(motion, EXACT, T_CAMERA_WORLD, None, none)
    np.testing.assert_allclose(T[:3, :3], T_CAMERA_WORLD[:3, :3], atol=1e-9)
    way = -(T[:3, :3].T @ T[:3, 3]) + T_CAMERA_WORLD[:3, :3].T @ T_CAMERA_WORLD[:3, 3]
    expected = (0.5 * STATE.velocity + 0.125 * WORLD.gravity) / (1.7 * 1.04)
    np.testing.assert_allclose(way, expected, rtol=1e-6)
