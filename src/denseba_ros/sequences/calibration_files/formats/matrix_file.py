"""A camera matrix under a name: ROS YAML, rtabmap, OpenCV's FileStorage, Open3D, numpy's dumps."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import (
    CalibrationFormat,
    Cameras,
    cameras_in,
)
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText, Document
from denseba_ros.sequences.calibration_files.fields import first_key, number, numbers
from denseba_ros.sequences.calibration_files.image_size import stated_size
from denseba_ros.sequences.camera_info import calibration_from_fields

_log = logging.getLogger(__name__)

_MATRIX = (
    "camera_matrix",
    "camera_intrinsics",
    "intrinsic_matrix",
    "intrinsics_matrix",
    "intrinsic",
    "intrinsics",
    "camera_mat",
    "mtx",
    "K",
)
_COEFFICIENTS = (
    "distortion_coefficients",
    "distortion_coeffs",
    "distortion_coeff",
    "dist_coefficients",
    "dist_coeffs",
    "dist_coeff",
    "dist_coefs",
    "dist_coef",
    "distortion_parameters",
    "distortion",
    "dist",
    "coeffs",
    "D",
)
_MODEL = ("distortion_model", "distortion_type", "camera_model", "model", "camera_type")
_FISHEYE = ("fisheye_model", "fisheye", "is_fisheye")
# Pairs of stereo_calib: matrix and coefficients of the left, then of the right camera.
_STEREO = {
    "left": (("M1", "K1", "cameraMatrix1", "camera_matrix_left"), ("D1", "distCoeffs1")),
    "right": (("M2", "K2", "cameraMatrix2", "camera_matrix_right"), ("D2", "distCoeffs2")),
}


def _cameras(content: CalibrationText) -> Cameras:
    found: Cameras = {}
    for path, mapping in cameras_in(content, lambda m: _matrix_key(m, _MATRIX) is not None):
        key, d_key = _matrix_key(mapping, _MATRIX), first_key(mapping, _COEFFICIENTS)
        if key is not None:
            found.setdefault(path, partial(_read, mapping, key, d_key, content.size))
    for document in content.documents:
        for name, (matrices, coefficients) in _STEREO.items():
            key, d_key = _matrix_key(document, matrices), first_key(document, coefficients)
            if key is not None:
                found[name] = partial(_read, document, key, d_key, content.size)
    return found


def _matrix_key(document: Document, names: tuple[str, ...]) -> str | None:
    """The first of the names under which there is a list or a matrix."""
    for name in names:
        key = first_key(document, (name,))
        value = None if key is None else document[key]
        if isinstance(value, list):
            # Basalt lists its cameras under the name "intrinsics".
            return None if any(isinstance(entry, Mapping) for entry in value) else key
        if isinstance(value, Mapping) and "data" in value:
            return key
    return None


def _read(document: Document, key: str, d_key: str | None, size: tuple[int, int]) -> Calibration:
    k = _rows(numbers(document[key], key), key)
    d: list[float] = []
    if d_key is None:
        _log.warning("no distortion is stated beside %s: taken as none", key)
    else:
        d = numbers(document[d_key], d_key)
    return calibration_from_fields(*stated_size(document, size), k, _model(document), d)


def _rows(k: list[float], key: str) -> list[float]:
    """The nine numbers row by row; Open3D writes them column by column."""
    if len(k) == 4 and all(v > 0.0 for v in k):
        return [k[0], 0.0, k[2], 0.0, k[1], k[3], 0.0, 0.0, 1.0]
    if len(k) == 12:
        k = [*k[0:3], *k[4:7], *k[8:11]]
    if len(k) == 16:
        k = [*k[0:3], *k[4:7], *k[8:11]]
    if len(k) != 9:
        raise CalibrationError(f"{key} has {len(k)} numbers, not those of a 3x3 matrix")
    by_columns = k[2] == k[5] == 0.0 and k[6] != 0.0 and k[7] != 0.0
    return [k[i] for i in (0, 3, 6, 1, 4, 7, 2, 5, 8)] if by_columns else k


def _model(document: Document) -> str:
    flag = first_key(document, _FISHEYE)
    if flag is not None and str(document[flag]).lower() in ("true", "yes"):
        return "equidistant"
    if flag is not None and str(document[flag]).lower() not in ("false", "no", ""):
        return "equidistant" if number(document[flag], flag) else "opencv"
    key = first_key(document, _MODEL)
    return "opencv" if key is None or not str(document[key]).strip() else str(document[key])


FORMAT = CalibrationFormat("OpenCV or ROS", lambda content: bool(_cameras(content)), _cameras)
