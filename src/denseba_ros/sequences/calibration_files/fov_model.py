"""The field-of-view lens (FOV, ATAN) as an equidistant one, which it nearly is.

Devernay, Faugeras, "Straight lines have to be straight", Machine Vision and Applications 13, 2001:
r_distorted = atan(2 r tan(w / 2)) / w.
"""

from __future__ import annotations

import logging
import math

import numpy as np

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.distortion_names import unusable_distortion

_log = logging.getLogger(__name__)

_SAMPLES = 400
_LARGEST_ERROR_PIXELS = 0.1
_STEEPEST = math.radians(85.0)


def fov_camera(
    size: tuple[int, int], fx: float, fy: float, cx: float, cy: float, w: float
) -> Calibration:
    """The camera with a field-of-view lens of ``w`` rad, to a tenth of a pixel.

    Raises:
        CalibrationError: when the four coefficients of an equidistant lens are not that close.
    """
    width, height = size
    plain = Calibration(width, height, fx, fy, cx, cy)
    if w == 0.0:
        return plain
    corners = [((u - cx) / fx, (v - cy) / fy) for u in (0, width - 1) for v in (0, height - 1)]
    farthest = max(math.hypot(x, y) for x, y in corners)
    if not (0.0 < w < math.pi and farthest * w < _STEEPEST):
        raise unusable_distortion("fov", 5)
    distorted = np.linspace(farthest / _SAMPLES, farthest, _SAMPLES)
    theta = np.arctan(np.tan(distorted * w) / (2.0 * math.tan(w / 2.0)))
    slope = 2.0 * math.tan(w / 2.0) / w
    powers = theta[:, None] ** np.array([2, 4, 6, 8])
    # Weighted by theta, so that errors are those of the distorted radius.
    right = distorted / slope - theta
    k = np.linalg.lstsq(theta[:, None] * powers, right, rcond=None)[0]
    error = slope * np.abs(theta * (powers @ k) - right).max() * max(fx, fy)
    if error > _LARGEST_ERROR_PIXELS:
        raise unusable_distortion("fov", 5)
    _log.warning(
        "this is a field-of-view (FOV, ATAN) calibration: taken as the equidistant one that is "
        "equal to %.3f pixels",
        error,
    )
    coefficients = tuple(float(value) for value in k)
    return Calibration(width, height, fx * slope, fy * slope, cx, cy, "equidistant", coefficients)
