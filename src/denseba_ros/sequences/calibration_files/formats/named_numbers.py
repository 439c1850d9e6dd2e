"""fx, fy, cx, cy by name in JSON or YAML, at any depth: RealSense, nerfstudio, OKVIS, Basalt."""

from __future__ import annotations

import logging
from functools import partial

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import (
    CalibrationFormat,
    Cameras,
    cameras_in,
)
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText, Document
from denseba_ros.sequences.calibration_files.distortion_names import distortion, unusable_distortion
from denseba_ros.sequences.calibration_files.fields import first_key, number, numbers
from denseba_ros.sequences.calibration_files.image_size import stated_size
from denseba_ros.sequences.camera_info import positive_fy

_log = logging.getLogger(__name__)

_FX = ("fx", "f_x", "fl_x", "focal_x", "focal_length_x")
_FY = ("fy", "f_y", "fl_y", "focal_y", "focal_length_y")
_FOCAL = ("focal_length", "focal", "f")
_CX = ("cx", "c_x", "ppx", "principal_x", "principal_point_x", "center_x")
_CY = ("cy", "c_y", "ppy", "principal_y", "principal_point_y", "center_y")
_CENTRE = ("principal_point", "center", "c")
_MODEL = ("distortion_model", "distortion_type", "camera_model", "camera_type", "model")
_LISTS = (
    "distortion_coefficients",
    "distortion_coeffs",
    "dist_coeffs",
    "distortion",
    "coeffs",
    "D",
)
_OPENCV = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
_KANNALA_BRANDT = ("k1", "k2", "k3", "k4")
# Parameters of camera models that are no pinhole.
_OTHERS = {"xi": "omni", "alpha": "ds", "omega": "fov"}


def _cameras(content: CalibrationText) -> Cameras:
    found: Cameras = {}
    for path, mapping in cameras_in(content, _has_camera):
        found.setdefault(path, partial(_read, mapping, content.size))
    return found


def _has_camera(mapping: Document) -> bool:
    focal = first_key(mapping, _FX + _FOCAL)
    centre = first_key(mapping, _CX + _CENTRE)
    return focal is not None and centre is not None


def _read(mapping: Document, size: tuple[int, int]) -> Calibration:
    fx, fy = _pair(mapping, _FX, _FY, _FOCAL)
    cx, cy = _pair(mapping, _CX, _CY, _CENTRE)
    if 0.0 < fx < 2.0 and 0.0 <= cx <= 1.0 and 0.0 <= cy <= 1.0:
        raise CalibrationError("its values are parts of the image size, not pixels")
    return Calibration(
        *stated_size(mapping, size), fx, positive_fy(fy), cx, cy, *distortion(*_lens(mapping))
    )


def _pair(
    mapping: Document, x: tuple[str, ...], y: tuple[str, ...], both: tuple[str, ...]
) -> tuple[float, float]:
    x_key, y_key, both_key = first_key(mapping, x), first_key(mapping, y), first_key(mapping, both)
    if x_key is not None and y_key is not None:
        return number(mapping[x_key], x_key), number(mapping[y_key], y_key)
    if both_key is None:
        raise CalibrationError(f"{y[0] if y_key is None else x[0]} is missing")
    values = numbers(mapping[both_key], both_key)
    if len(values) == 1 and x is _FX:
        return values[0], values[0]
    if len(values) != 2:
        raise CalibrationError(f"{both_key} is {len(values)} numbers instead of 2")
    return values[0], values[1]


def _lens(mapping: Document) -> tuple[str, list[float]]:
    """Name of the distortion model, and its coefficients."""
    model_key = first_key(mapping, _MODEL)
    model = "" if model_key is None else str(mapping[model_key])
    for key, other in _OTHERS.items():
        if key in mapping and number(mapping[key], key) != 0.0:
            raise unusable_distortion(model or other, 4 + len(set(mapping) & set(_OTHERS)))
    list_key = first_key(mapping, _LISTS)
    if list_key is not None and isinstance(mapping[list_key], list | str):
        return model or "opencv", numbers(mapping[list_key], list_key)
    given = {k: number(mapping[k], k) for k in (*_OPENCV,) if k in mapping}
    if not given:
        _log.warning("no distortion is stated: taken as none")
        return "", []
    names = _KANNALA_BRANDT if _is_fisheye(model) else _OPENCV
    if not model and given.get("k4", 0.0) and "p1" not in given:
        raise CalibrationError("it has k4 but names no distortion model")
    return model or "opencv", [given.get(name, 0.0) for name in names]


def _is_fisheye(model: str) -> bool:
    name = model.lower()
    return any(part in name for part in ("fisheye", "equi", "kannala", "kb"))


FORMAT = CalibrationFormat("fx, fy, cx, cy", lambda content: bool(_cameras(content)), _cameras)
