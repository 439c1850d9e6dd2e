"""Rotation between two images without any initial guess, for turns that optical flow cannot follow.

The shift of a small copy of the image by phase correlation (Kuglin, Hines, "The phase correlation
image alignment method", 1975; OpenCV), taken as a rotation about the two axes across the view.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from denseba_ros.frontend.features.optical_flow import Points
from denseba_ros.geometry.grey import Grey

# Width in pixels of the small copies, and the least response of a peak.
_WIDTH, _MIN_RESPONSE = 80, 0.03


def coarse_rotation(
    first: Grey, second: Grey, K: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """R_second_first (3, 3) float64 between two images, accurate to a few pixels; ``K`` (3, 3) of
    both. None where they have no clear shift."""
    height, width = first.image.shape
    small = (_WIDTH, max(round(_WIDTH * height / width), 8))
    a, b = (cv2.resize(g.image, small, interpolation=cv2.INTER_AREA) for g in (first, second))
    window = cv2.createHanningWindow(small, cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(a - a.mean(), b - b.mean(), window)
    if response < _MIN_RESPONSE:
        return None
    scale = width / _WIDTH
    # A point in the middle moves by (x, y): a turn about -y by x, and about x by y.
    angles = np.arctan2([y * scale, x * scale], [K[1, 1], K[0, 0]])
    return np.asarray(Rotation.from_rotvec([-angles[0], angles[1], 0.0]).as_matrix())


def rotated(pixels: Points, R: NDArray[np.float64], K: NDArray[np.float64]) -> Points:
    """Pixels (M, 2) of the same directions after a rotation ``R`` (3, 3) R_second_first."""
    rays = np.column_stack([pixels, np.ones(len(pixels))]) @ np.linalg.inv(K).T @ R.T
    projected = rays @ K.T
    z = np.maximum(projected[:, 2:], 1e-3)
    return np.asarray(projected[:, :2] / z, np.float32)
