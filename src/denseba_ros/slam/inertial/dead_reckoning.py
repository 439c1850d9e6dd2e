"""Pose and covariance by the IMU alone, from the last image that was measured."""

from __future__ import annotations

import numpy as np

from denseba_ros.geometry.cross_product import hat_array
from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.preintegration import preintegrate
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.slam.inertial.inertial_motion import InertialMotion

_VELOCITY, _GYROSCOPE, _ACCELEROMETER = slice(6, 9), slice(9, 12), slice(12, 15)
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
    R_imu_camera = calibration.T_imu_camera[:3, :3]
    if before is not None:
        m = preintegrate(before, bias, noise)
        R = motion.state.T_camera_world[:3, :3].T @ R_imu_camera.T
        since = float(m.seconds)
        velocity = velocity + since * world.gravity + R @ m.velocity
    m = preintegrate(samples, bias, noise)
    t, scale = float(m.seconds), world.felt_per_unit
    R = T_camera_world[:3, :3].T @ R_imu_camera.T  # R_world_imu
    lever = -(R_imu_camera.T @ calibration.T_imu_camera[:3, 3])  # IMU in the camera, metres
    centre = -(T_camera_world[:3, :3].T @ T_camera_world[:3, 3])
    moved = t * velocity + 0.5 * t**2 * world.gravity + R @ m.position  # of the IMU, metres
    R_world_camera = T_camera_world[:3, :3].T
    R_later = R @ m.rotation @ R_imu_camera  # R_world_camera of the later image
    centre = centre + (moved + (R_world_camera - R_later) @ lever) / scale
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R_later.T, -(R_later.T @ centre)
    added = _added(motion, m.covariance, m.bias_jacobian, R, R_imu_camera, t, since, moved)
    turn = np.kron(np.eye(2), R_later.T)
    added = turn @ added @ turn.T
    units = np.repeat([1.0 / scale, 1.0], 3)
    return T, added * np.outer(units, units)


def _added(
    motion: InertialMotion,
    measured: np.ndarray,
    by_bias: np.ndarray,
    R: np.ndarray,
    R_imu_camera: np.ndarray,
    t: float,
    since: float,
    moved: np.ndarray,
) -> np.ndarray:
    """(6, 6) of position (m) and rotation along the world's axes, after ``t`` seconds; ``measured``
    (15, 15) and ``by_bias`` (9, 6) are of their preintegration. ``since``: seconds from the
    keyframe to the measured image, through which errors of velocity grew too."""
    P = motion.covariance
    # Rows: position, rotation; columns: the 19 of P.
    J = np.zeros((6, 19))
    J[:3, _VELOCITY] = t * np.eye(3)
    J[:3, _ACCELEROMETER] = R @ (by_bias[6:, 3:] - t * since * np.eye(3))
    J[:3, _GYROSCOPE] = R @ by_bias[6:, :3]
    J[:3, _GRAVITY] = (0.5 * t**2 + t * since) * motion.world.gravity_jacobian
    J[:3, _SCALE] = -moved
    J[:3, _GAIN] = (0.5 * t**2 + t * since) * motion.world.gravity - moved
    # An error of the measured rotation turns what is integrated from there, gravity stays.
    R_world_camera = R @ R_imu_camera
    felt = moved - t * motion.state.velocity - 0.5 * t**2 * motion.world.gravity
    J[:3, 3:6] = hat_array(felt) @ R_world_camera
    J[3:, _GYROSCOPE] = R @ by_bias[:3, :3]
    noise = np.zeros((6, 6))
    noise[:3, :3] = R @ measured[6:9, 6:9] @ R.T
    noise[3:, 3:] = R @ measured[:3, :3] @ R.T
    added: np.ndarray = J @ P @ J.T + noise
    return added
