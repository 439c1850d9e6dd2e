"""The linear equations hold at the truth, and their noise is that of errors of the poses."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from denseba_ros.geometry import pose_step
from denseba_ros.imu.inertial_state import MetricWorld, upright_rotation
from denseba_ros.imu.initialisation.velocity_equations import velocity_equations
from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.preintegration import Preintegration, preintegrate
from denseba_ros.imu.rotation_jacobians import rotation_exp
from tests.imu.motion import GRAVITY, Motion

SCALE, K = 2.5, 4
TIMES = np.arange(K) * 0.3
T_IMU_CAMERA = pose_step.exp(np.array([0.15, -0.13, 0.12, 1.0, -1.2, 0.7]))
WORLD = MetricWorld(SCALE, upright_rotation(GRAVITY))
MOTION = Motion.random(0, turn=0.8)


def _path(position: float = 1.0, rotation: float = 1.0) -> VisualPath:
    T = MOTION.pose(TIMES) @ T_IMU_CAMERA
    T[:, :3, 3] /= SCALE
    return VisualPath(T, position, rotation, T_IMU_CAMERA)


@pytest.fixture(scope="module")
def measured() -> list[Preintegration]:
    samples = MOTION.samples(np.arange(0.0, TIMES[-1] + 1e-9, 0.001))
    stamps = np.round(TIMES * 1e9).astype(int)
    return [
        preintegrate(samples.between(a, b), np.zeros(6), ImuNoise(1e-5, 1e-5))
        for a, b in pairwise(stamps)
    ]


def _residual(path: VisualPath, measured: list[Preintegration]) -> np.ndarray:
    equations = velocity_equations(path, measured, WORLD, SCALE)
    velocities = MOTION.position(TIMES, 1).ravel()
    x = np.concatenate([velocities, [SCALE], np.zeros(8)])
    rest: np.ndarray = equations.A @ x - equations.b
    return rest


def _moved(k: int, axis: int, by: float) -> VisualPath:
    """Errors of pose k: position along the world's axes, rotation on the right of the IMU's."""
    path, step = _path(), by * np.eye(6)[axis]
    T = path.T_world_camera.copy()
    R = path.R_world_imu[k] @ rotation_exp(step[3:])
    T[k, :3, :3], T[k, :3, 3] = R @ T_IMU_CAMERA[:3, :3], T[k, :3, 3] + step[:3]
    return replace(path, T_world_camera=T)


def test_zero_at_the_truth(measured: list[Preintegration]) -> None:
    assert np.abs(_residual(_path(), measured)).max() < 1e-5


@pytest.mark.parametrize(("axes", "sigmas"), [(range(3), (1.0, 1e-9)), (range(3, 6), (1e-9, 1.0))])
def test_noise_by_finite_differences(
    measured: list[Preintegration], axes: range, sigmas: tuple[float, float]
) -> None:
    h = 1e-5
    columns = [
        (_residual(_moved(k, a, h), measured) - _residual(_moved(k, a, -h), measured)) / (2 * h)
        for k in range(K)
        for a in axes
    ]
    J = np.stack(columns, 1)
    found = velocity_equations(_path(*sigmas), measured, WORLD, SCALE).noise
    np.testing.assert_allclose(found, J @ J.T, atol=1e-4)
