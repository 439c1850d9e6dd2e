"""Rotations by the gyroscope alone: to the next image, and at any time between samples."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from denseba_ros.imu.rotation_jacobians import rotation_exp
from denseba_ros.imu.samples import ImuSamples


def angle(samples: ImuSamples, bias: np.ndarray) -> np.ndarray:
    """(3,) rad, the integral of the angular velocity less ``bias`` (3,) rad/s along the IMU's axes:
    the rotation vector while the axis of turning stays."""
    t = np.diff(samples.stamp_ns)[:, None] * 1e-9
    rate = 0.5 * (samples.gyroscope[1:] + samples.gyroscope[:-1]) - bias
    total: np.ndarray = np.sum(rate * t, axis=0)
    return total


def turned(samples: ImuSamples, bias: np.ndarray) -> np.ndarray:
    """R_first_last (3, 3) of the IMU; ``bias`` (3,) of the gyroscope in rad/s."""
    R: np.ndarray = gyroscope_rotations(samples, bias)[-1]
    return R


def gyroscope_rotations(samples: ImuSamples, bias: np.ndarray) -> np.ndarray:
    """R_first_sample (N, 3, 3) of the IMU, of second order in the time between samples.

    By doubling: products of 2, 4, 8, ... steps, all at once.
    """
    t = np.diff(samples.stamp_ns).astype(np.float64) * 1e-9
    rate = 0.5 * (samples.gyroscope[1:] + samples.gyroscope[:-1]) - bias
    R = np.concatenate([np.eye(3)[None], rotation_exp(rate * t[:, None])])
    reach = 1
    while reach < len(R):
        R[reach:] = R[:-reach] @ R[reach:]
        reach *= 2
    return R


class GyroscopeRotation:
    """The IMU's rotation since the first of ``samples`` at any time that they cover."""

    def __init__(self, samples: ImuSamples, bias: np.ndarray) -> None:
        rotations = Rotation.from_matrix(gyroscope_rotations(samples, bias))
        self._start_ns = int(samples.stamp_ns[0])
        seconds = (samples.stamp_ns - self._start_ns) * 1e-9
        self._at = Slerp(seconds, rotations)
        self.seconds = float(seconds[-1])

    def at(self, stamp_ns: np.ndarray, later: float = 0.0) -> Rotation:
        """R_first_then (M) at stamps (M,) int64 plus ``later`` seconds; they must be covered."""
        return self._at((stamp_ns - self._start_ns) * 1e-9 + later)
