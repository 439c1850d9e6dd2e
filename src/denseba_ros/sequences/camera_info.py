"""Calibrations from the fields of camera_info, and as its YAML file."""

from __future__ import annotations

import logging
from collections.abc import Sequence as Numbers
from pathlib import Path

import numpy as np
import yaml

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.distortion_names import distortion

_log = logging.getLogger(__name__)


def calibration_from_fields(
    width: int, height: int, k: Numbers[float], model: str, d: Numbers[float]
) -> Calibration:
    """From the fields of sensor_msgs/CameraInfo: ``k`` is K row-major (9 numbers).

    The distortion is as in ``distortion``.

    Raises:
        CalibrationError: on an unknown model, coefficients that do not fit it, or a K that is
            empty (an uncalibrated camera) or has skew.
    """
    if len(k) != 9:
        raise CalibrationError(f"the camera matrix has {len(k)} numbers instead of 9")
    if any(k[i] != 0.0 for i in (3, 6, 7)) or k[8] not in (0.0, 1.0):
        raise CalibrationError("the camera matrix is not fx 0 cx, 0 fy cy, 0 0 1 row by row")
    if k[1] != 0.0:
        raise CalibrationError(f"the camera matrix has skew {k[1]}, which is not supported")
    name, coefficients = distortion(model, d)
    fx, fy, cx, cy = (float(k[i]) for i in (0, 4, 2, 5))
    return Calibration(width, height, fx, positive_fy(fy), cx, cy, name, coefficients)


def positive_fy(fy: float) -> float:
    """``fy`` without its sign: the images of ICL-NUIM are as all others, its camera axis y is not.

    A warning says so, as its ground truth is then mirrored.
    """
    if fy < 0.0:
        _log.warning("fy is %g, as of a camera whose y axis points up: taken as %g", fy, -fy)
    return abs(fy)


def write_camera_info(path: Path, calibration: Calibration, name: str) -> None:
    """Write the YAML that ROS camera drivers and ``camera_calibration`` read and write."""
    coefficients = list(calibration.coefficients)
    k = [float(v) for v in calibration.matrix.ravel()]
    p = [*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0]
    model = "plumb_bob" if calibration.model == "none" else calibration.model
    d = coefficients or [0.0] * 5
    document = {
        "image_width": calibration.width,
        "image_height": calibration.height,
        "camera_name": name,
        "camera_matrix": {"rows": 3, "cols": 3, "data": k},
        "distortion_model": model,
        "distortion_coefficients": {"rows": 1, "cols": len(d), "data": d},
        "rectification_matrix": {"rows": 3, "cols": 3, "data": np.eye(3).ravel().tolist()},
        "projection_matrix": {"rows": 3, "cols": 4, "data": p},
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False, default_flow_style=None))
