"""Whether the accelerometer may be right: by its bias, and by where it leads to between keyframes.

The second is an innovation test: Bar-Shalom, Li, Kirubarajan, "Estimation with applications to
tracking and navigation", 2001, section 5.4.
"""

from __future__ import annotations

import numpy as np

from denseba_ros.geometry import pose_step
from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.slam.inertial.dead_reckoning import dead_reckoned
from denseba_ros.slam.inertial.inertial_motion import InertialMotion

ACCELEROMETER_BIAS = 0.2
"""Deviation of the accelerometer's bias about zero, m/s2."""
# A bias of more deviations, or a fit of so many times what it should be, is of another unit, gain
# or axes.
_FAR, _MISFIT = 5.0, 30.0
# Chi-square of three numbers beyond which images and accelerometer cannot both be right. Poses of
# vision are off by so many times what is stated, at worst.
_FARTHEST, _WORST = 30.0, 3.0


def has_plausible_bias(bias: np.ndarray, fit: float = 1.0) -> bool:
    """Whether ``bias`` (6,) is one of a usual accelerometer; ``fit``: chi-square over its degrees
    of freedom of the motion that it comes from."""
    length = float(np.linalg.norm(bias[3:]))
    return length < _FAR * ACCELEROMETER_BIAS and fit < _MISFIT


def leads_to(
    motion: InertialMotion,
    calibration: ImuCalibration,
    samples: ImuSamples,
    T_camera_world: np.ndarray,
    seen: np.ndarray,
    sigma: np.ndarray,
) -> bool:
    """Whether ``samples`` may lead from a keyframe to where the next one is ``seen``.

    Args:
        motion: at the first keyframe.
        calibration: of the IMU.
        samples: from the first to the second.
        T_camera_world: (4, 4) of the first by vision, units of the map.
        seen: (4, 4) of the second by vision.
        sigma: (6,) deviations of such a pose.
    """
    T, added = dead_reckoned(motion, calibration, T_camera_world, None, samples)
    off = pose_step.log(T @ pose_step.inverse(seen))[:3]
    covariance = added[:3, :3] + 2.0 * np.diag((_WORST * sigma[:3]) ** 2)
    return float(off @ np.linalg.solve(covariance, off)) < _FARTHEST
