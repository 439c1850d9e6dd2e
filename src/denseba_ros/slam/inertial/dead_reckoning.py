"""Pose and covariance by the IMU alone, from the last image that was measured."""

from __future__ import annotations

import numpy as np

from denseba_ros.geometry.cross_product import hat_array
from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.inertial_state import MetricWorld
from denseba_ros.imu.preintegration import Preintegration, preintegrate
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.slam.inertial.inertial_motion import InertialMotion

_ROTATION, _VELOCITY = slice(3, 6), slice(6, 9)
_GYROSCOPE, _ACCELEROMETER = slice(9, 12), slice(12, 15)
_SCALE, _GRAVITY, _GAIN = 15, slice(16, 18), 18


def dead_reckoned(
    motion: InertialMotion,
    calibration: ImuCalibration,
    T_camera_world: np.ndarray,
    before: ImuSamples | None,
    samples: ImuSamples,
) -> tuple[np.ndarray, np.ndarray]:
    """Where ``samples`` lead to from a measured pose, and the covariance that this adds.

    Args:
        motion: at a keyframe.
        calibration: of the IMU.
        T_camera_world: (4, 4) of the last measured image, units of the map.
        before: samples from the keyframe to that image, None where it is the keyframe.
        samples: since then.

    Returns:
        T_camera_world (4, 4), and (6, 6) of translation, in units of the map, and rotation, along
        the axes of the later camera.
    """
    world, bias, noise = motion.world, motion.state.bias, calibration.noise
    velocity, since = motion.state.velocity, 0.0
    velocity_by_bias = np.zeros((3, 6))
    R_imu_camera = calibration.T_imu_camera[:3, :3]
    if before is not None:
        m = preintegrate(before, bias, noise)
        R = motion.state.T_camera_world[:3, :3].T @ R_imu_camera.T
        since = float(m.seconds)
        velocity = velocity + since * world.gravity + R @ m.velocity
        velocity_by_bias = R @ m.bias_jacobian[3:6]
    m = preintegrate(samples, bias, noise)
    t, scale = float(m.seconds), world.felt_per_unit
    R = T_camera_world[:3, :3].T @ R_imu_camera.T  # R_world_imu
    R_world_camera = T_camera_world[:3, :3].T
    R_later = R @ m.rotation @ R_imu_camera  # R_world_camera of the later image
    lever = -(R_imu_camera.T @ calibration.T_imu_camera[:3, 3])  # IMU in the camera, metres
    moved = t * velocity + 0.5 * t**2 * world.gravity + R @ m.position  # of the IMU, metres
    way = moved + (R_world_camera - R_later) @ lever  # of the camera
    centre = -(R_world_camera @ T_camera_world[:3, 3]) + way / scale
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R_later.T, -(R_later.T @ centre)

    by_state = _by_state(motion.world, m, R, velocity_by_bias, since, way, R_later @ lever)
    # An error of the measured rotation turns what is integrated from there, gravity stays.
    felt = moved - t * motion.state.velocity - 0.5 * t**2 * world.gravity
    by_state[:3, _ROTATION] = hat_array(felt) @ R_world_camera
    noise_added = np.zeros((6, 6))
    noise_added[:3, :3] = R @ m.covariance[6:9, 6:9] @ R.T
    noise_added[3:, 3:] = R @ m.rotation @ m.covariance[:3, :3] @ m.rotation.T @ R.T
    added = by_state @ motion.covariance @ by_state.T + noise_added
    turn = np.kron(np.eye(2), R_later.T)
    units = np.repeat([1.0 / scale, 1.0], 3)
    return T, turn @ added @ turn.T * np.outer(units, units)


def _by_state(
    world: MetricWorld,
    m: Preintegration,
    R: np.ndarray,
    velocity_by_bias: np.ndarray,
    since: float,
    way: np.ndarray,
    lever: np.ndarray,
) -> np.ndarray:
    """(6, 19) of the camera's position (m) and rotation along the world's axes, by the steps of an
    InertialMotion but for its rotation.

    ``m`` is what the samples since the image say, ``R`` (3, 3) R_world_imu at that; ``since`` the
    seconds from the keyframe to it, through which errors of velocity grew too, those by the biases
    (3, 6) as ``velocity_by_bias``. The camera moves its ``way`` (3,) metres; ``lever`` (3,) leads
    from the later camera to the IMU, along the world's axes.
    """
    t = float(m.seconds)
    J = np.zeros((6, 19))
    turned = R @ m.rotation @ m.bias_jacobian[:3, :3]
    J[3:, _GYROSCOPE] = turned
    by_bias = t * velocity_by_bias + R @ m.bias_jacobian[6:]
    J[:3, _GYROSCOPE] = by_bias[:, :3] + hat_array(lever) @ turned
    J[:3, _ACCELEROMETER] = by_bias[:, 3:]
    J[:3, _VELOCITY] = t * np.eye(3)
    J[:3, _GRAVITY] = (0.5 * t**2 + t * since) * world.gravity_jacobian
    J[:3, _SCALE] = -way
    J[:3, _GAIN] = (0.5 * t**2 + t * since) * world.gravity - way
    return J
