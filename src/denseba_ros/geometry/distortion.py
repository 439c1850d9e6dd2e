"""Lens distortion of normalised image coordinates (x / z, y / z), by OpenCV.

The models are those of OpenCV and sensor_msgs/CameraInfo; ``equidistant`` is OpenCV's fisheye
model (Kannala, Brandt, "A generic camera model and calibration method", PAMI 28(8), 2006).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry.calibration import Calibration

_Points = NDArray[np.float64]

# OpenCV's iterations end after so many, or at this error in normalised coordinates.
_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-13)
_IDENTITY = np.eye(3)


def distort(normalised: _Points, calibration: Calibration) -> _Points:
    """Where the lens puts undistorted normalised coordinates: (N, 2) float64 to (N, 2)."""
    if not calibration.is_distorted or len(normalised) == 0:
        return normalised
    points, D = normalised[:, None], np.array(calibration.coefficients)
    if calibration.model == "equidistant":
        distorted = cv2.fisheye.distortPoints(points, _IDENTITY, D)
    else:
        rays = cv2.convertPointsToHomogeneous(points)
        distorted, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), _IDENTITY, D)
    return np.asarray(distorted[:, 0], np.float64)


def undistort(distorted: _Points, calibration: Calibration) -> _Points:
    """Inverse of ``distort``: (N, 2) float64 to (N, 2).

    Outside the lens's range, where no inverse exists, the result is finite but meaningless:
    compare ``distort`` of it with the input.
    """
    if not calibration.is_distorted or len(distorted) == 0:
        return distorted
    points, D = distorted[:, None], np.array(calibration.coefficients)
    if calibration.model == "equidistant":
        normalised = cv2.fisheye.undistortPoints(points, _IDENTITY, D, criteria=_CRITERIA)
    else:
        normalised = cv2.undistortPointsIter(points, _IDENTITY, D, _IDENTITY, _IDENTITY, _CRITERIA)
    return np.asarray(normalised[:, 0], np.float64)
