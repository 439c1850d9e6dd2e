"""Projection with its derivatives by every parameter of the camera, by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from denseba_ros.calibration.structure import Floats
from denseba_ros.geometry.calibration import Calibration, DistortionModel

NAMES = {
    "plumb_bob": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
    "equidistant": ("fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4"),
}
"""Parameters of a camera of each model, in the order of the arrays of this room."""


@dataclass(frozen=True)
class Projection:
    """Pixels (M, 2) of points, and their derivatives by camera (M, 2, 8), by pose (M, 2, 6) and by
    point (M, 2, 3). A pose's are by its rotation vector, then by its translation."""

    pixels: Floats
    by_camera: Floats
    by_pose: Floats
    by_point: Floats


def project(
    model: DistortionModel, camera: Floats, rotation: Floats, translation: Floats, points: Floats
) -> Projection:
    """Points (M, 3) of the world in one camera.

    ``camera`` (8,) in the order of ``NAMES``; rotation vector (3,) and translation (3,) of
    T_camera_world.
    """
    fx, fy, cx, cy = camera[:4]
    K = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    if model == "equidistant":
        pixels, J = cv2.fisheye.projectPoints(points[:, None], rotation, translation, K, camera[4:])
        # f, c, k, rotation, translation, skew
        by_camera, by_pose = J[:, :8], J[:, 8:14]
    else:
        pixels, J = cv2.projectPoints(points, rotation, translation, K, camera[4:])
        # rotation, translation, f, c, k
        by_camera, by_pose = J[:, 6:14], J[:, :6]
    R = cv2.Rodrigues(rotation)[0]
    pose = np.asarray(by_pose, np.float64).reshape(-1, 2, 6)
    return Projection(
        np.asarray(pixels, np.float64).reshape(-1, 2),
        np.asarray(by_camera, np.float64).reshape(-1, 2, 8),
        pose,
        np.asarray(pose[:, :, 3:] @ R, np.float64),
    )


def as_calibration(model: DistortionModel, camera: Floats, size: tuple[int, int]) -> Calibration:
    """The camera (8,) of images of ``size`` (width, height).

    Raises:
        CalibrationError: when the focal length is not positive.
    """
    fx, fy, cx, cy, *coefficients = (float(value) for value in camera)
    return Calibration(*size, fx, fy, cx, cy, model, tuple(coefficients))
